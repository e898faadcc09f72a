"""The 98 points of WFLW.

Right and left are the subject's own: the right eye (60-67) is on the viewer's left. Points that 300-W sets in the same
place have its names (nose, mouth, eye corners). Others do not: a lid has three points here and two there, a brow has
two edges here and one line there, and the contour is 33 points from ear to ear, not 17. The mirror image agrees
with MMPose's table, the sides with the mean face in PIPNet's repository.

Wu, Qian, Yang, Wang, Cai, Zhou: Look at Boundary: A Boundary-Aware Face Alignment Algorithm, CVPR 2018.
"""

from cairn.schemes.face68 import SKELETON as _FACE68
from cairn.schemes.symmetry import line, mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["BROWS", "EYES", "MOUTH", "SKELETON"]

_UPPER = ("outer_end", "upper_outer", "upper_middle", "upper_inner", "upper_end")
_LOWER = ("lower_end", "lower_inner", "lower_middle", "lower_outer")
_UPPER_LID = ("outer_corner", "upper_outer_quarter", "upper_middle", "upper_inner_quarter", "inner_corner")
_LOWER_LID = ("lower_inner_quarter", "lower_middle", "lower_outer_quarter")

# outer end, along the upper edge to the inner end, back along the lower edge; the left one from its inner end
BROWS = (
    *(f"right_brow_{n}" for n in (*_UPPER, *_LOWER)),
    *(f"left_brow_{n}" for n in (*reversed(_UPPER), *reversed(_LOWER))),
)
EYES = (
    tuple(f"right_eye_{n}" for n in (*_UPPER_LID, *_LOWER_LID)),
    tuple(f"left_eye_{n}" for n in (*reversed(_UPPER_LID), *reversed(_LOWER_LID))),
)
MOUTH = _FACE68.names[48:68]

_NAMES = (
    *(f"contour_{i}" for i in range(33)),  # from the right ear over the chin (16) to the left ear
    *BROWS,
    *_FACE68.names[27:36],  # the nose
    *EYES[0],
    *EYES[1],
    *MOUTH,
    *("right_pupil", "left_pupil"),
)

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *line(range(33)),
        *(*ring(range(33, 42)), *ring(range(42, 51))),
        *(*line(range(51, 55)), *line(range(55, 60))),
        *(*ring(range(60, 68)), *ring(range(68, 76))),
        *(*ring(range(76, 88)), *ring(range(88, 96))),
    ),
    flip=mirrored(_NAMES, {"contour_": 33}),
    parts={
        "contour": tuple(range(33)),
        "right_brow": tuple(range(33, 42)),
        "left_brow": tuple(range(42, 51)),
        "nose": tuple(range(51, 60)),
        "right_eye": (*range(60, 68), 96),
        "left_eye": (*range(68, 76), 97),
        "mouth": tuple(range(76, 96)),
    },
    normalisers={"inter_ocular": ((60,), (72,)), "inter_pupil": ((96,), (97,))},
    name="face98",
    source="Wu et al., WFLW, CVPR 2018, https://wywu.github.io/projects/LAB/WFLW.html",
)
