"""The 21 points of one hand, as OpenPose, MediaPipe and COCO-WholeBody count them.

A mirrored right hand is a left hand, and the names do not say which it is: every point is its own mirror image. Sigmas
are those of COCO-WholeBody (Jin et al., ECCV 2020).

Simon, Joo, Matthews, Sheikh: Hand Keypoint Detection in Single Images using Multiview Bootstrapping, CVPR 2017.
"""

from cairn.schemes.symmetry import line
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_FINGERS = ("index_finger", "middle_finger", "ring_finger", "pinky")

SKELETON = Skeleton(
    names=(
        "wrist",
        *(f"thumb_{n}" for n in ("cmc", "mcp", "ip", "tip")),
        *(f"{finger}_{n}" for finger in _FINGERS for n in ("mcp", "pip", "dip", "tip")),
    ),
    edges=tuple(edge for first in (1, 5, 9, 13, 17) for edge in line((0, *range(first, first + 4)))),
    flip=tuple(range(21)),
    parts={
        name: tuple(range(first, first + 4))
        for name, first in zip(("thumb", *_FINGERS), (1, 5, 9, 13, 17), strict=True)
    },
    normalisers={"palm": ((0,), (9,))},
    sigmas=(
        *(0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024),
        *(0.022, 0.026, 0.017, 0.021, 0.021, 0.032, 0.020, 0.019, 0.022, 0.031),
    ),
    name="hand21",
    source="Simon et al., CVPR 2017, https://arxiv.org/abs/1704.07809; sigmas: Jin et al., COCO-WholeBody, ECCV 2020",
)
