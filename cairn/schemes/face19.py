"""The 19 points of AFLW as used for benchmarks: AFLW's 21 without the ears.

Right and left are the subject's own. The mirror image agrees with MMPose's table, the sides with the mean face in
PIPNet's repository.

Zhu, Li, Loy, Tang: Unconstrained Face Alignment via Cascaded Compositional Learning, CVPR 2016; Koestinger, Wohlhart,
Roth, Bischof: Annotated Facial Landmarks in the Wild, ICCV workshops 2011.
"""

from cairn.schemes.symmetry import line, mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_NAMES = (
    *("right_brow_outer_end", "right_brow_center", "right_brow_inner_end"),
    *("left_brow_inner_end", "left_brow_center", "left_brow_outer_end"),
    *("right_eye_outer_corner", "right_eye_center", "right_eye_inner_corner"),
    *("left_eye_inner_corner", "left_eye_center", "left_eye_outer_corner"),
    *("right_nose_corner", "nose_tip", "left_nose_corner"),
    *("right_mouth_corner", "mouth_center", "left_mouth_corner"),
    "chin",
)

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *(*line(range(3)), *line(range(3, 6)), *line(range(6, 9)), *line(range(9, 12))),
        *(*ring(range(12, 15)), *line(range(15, 18))),
    ),
    flip=mirrored(_NAMES),
    parts={
        "right_brow": (0, 1, 2),
        "left_brow": (3, 4, 5),
        "right_eye": (6, 7, 8),
        "left_eye": (9, 10, 11),
        "nose": (12, 13, 14),
        "mouth": (15, 16, 17),
    },
    normalisers={"inter_ocular": ((6,), (11,))},
    name="face19",
    source="Koestinger et al., AFLW, ICCV workshops 2011; 19 points: Zhu et al., CVPR 2016, "
    "https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/",
)
