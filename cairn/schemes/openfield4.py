"""Four points of a mouse seen from above in an open field: DeepLabCut's first example.

From above a mouse and its mirror image are both mice, so the ears may change places.

Mathis et al.: DeepLabCut, Nature Neuroscience 2018.
"""

from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

SKELETON = Skeleton(
    names=("snout", "leftear", "rightear", "tailbase"),
    edges=((0, 1), (0, 2), (1, 3), (2, 3)),
    flip=(0, 2, 1, 3),
    parts={"head": (0, 1, 2)},
    normalisers={"snout_tailbase": ((0,), (3,))},
    name="openfield4",
    source="Mathis et al., DeepLabCut, Nature Neuroscience 2018",
)
