"""The 106 points of JD-landmark, in the order of that challenge and of LaPa.

Face++ and others have 106 points too, in another order. Right and left are the subject's own. Points that 300-W or WFLW
set in the same place have their names; the 33 points of the outline begin higher at the ear than WFLW's 33 and have
names of their own. The middle of each eye is there twice (74 and 104, 83 and 105), and the sources do not say which of
them is the pupil, so none is called that. The mirror image agrees with MMPose's table of LaPa, the sides with
the mean face in PIPNet's repository.

Liu, Shen, Si, Wang, Zhu, Shi, Hong, Guo, Guo, Chen, Li, Xi, Yu, Xie, Xie, Li, Lu, Wang, Lai, Wu, Qin: Grand Challenge
of 106-Point Facial Landmark Localization, ICME workshops 2019; Liu, Shi, Shen, Si, Wang, Mei: A New Dataset and
Boundary-Attention Semantic Segmentation for Face Parsing, AAAI 2020.
"""

from cairn.schemes.face68 import SKELETON as _FACE68
from cairn.schemes.face98 import BROWS, EYES, MOUTH
from cairn.schemes.symmetry import line, mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_NAMES = (
    *(f"outline_{i}" for i in range(33)),  # from the right ear over the chin (16) to the left ear
    *BROWS,
    *_FACE68.names[27:31],  # the bridge of the nose
    *("right_nose_side_upper", "right_nose_side_lower", "right_nose_ala"),
    *_FACE68.names[31:36],  # the nostrils
    *("left_nose_ala", "left_nose_side_lower", "left_nose_side_upper"),
    *(*EYES[0], "right_eye_middle_1"),
    *(*EYES[1], "left_eye_middle_1"),
    *MOUTH,
    *("right_eye_middle_2", "left_eye_middle_2"),
)

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *line(range(33)),
        *(*ring(range(33, 42)), *ring(range(42, 51))),
        *(*line(range(51, 55)), *line(range(55, 66))),
        *(*ring(range(66, 74)), *ring(range(75, 83))),
        *(*ring(range(84, 96)), *ring(range(96, 104))),
    ),
    flip=mirrored(_NAMES, {"outline_": 33}),
    parts={
        "outline": tuple(range(33)),
        "right_brow": tuple(range(33, 42)),
        "left_brow": tuple(range(42, 51)),
        "nose": tuple(range(51, 66)),
        "right_eye": (*range(66, 75), 104),
        "left_eye": (*range(75, 84), 105),
        "mouth": tuple(range(84, 104)),
    },
    normalisers={"inter_ocular": ((66,), (79,))},
    name="face106",
    source="Liu et al., JD-landmark, ICME workshops 2019; order of LaPa, AAAI 2020, "
    "https://github.com/JDAI-CV/lapa-dataset",
)
