"""Five points of a car's wheel in a photograph.

Mirrored, the right of the rim would be its left, for which there is no point: no flip.
"""

from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

SKELETON = Skeleton(
    names=("rim_top", "rim_bottom", "rim_right", "tire_top", "tire_inner_right"),
    edges=((3, 0), (0, 2), (2, 1), (2, 4)),
    parts={"rim": (0, 1, 2), "tire": (3, 4)},
    normalisers={"rim_height": ((0,), (1,))},
    name="wheels5",
    source="wheels5",
)
