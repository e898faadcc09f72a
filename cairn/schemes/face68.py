"""The 68 points of 300-W (Multi-PIE's scheme).

Right and left are the subject's own: in a picture of a face that looks at the viewer, the right eye (36-41) is on the
viewer's left. Indices count from 0; the papers' figures count from 1.

Sagonas, Tzimiropoulos, Zafeiriou, Pantic: 300 Faces in-the-Wild Challenge, ICCV workshops 2013.
"""

from cairn.schemes.symmetry import line, mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_BROW = ("outer_end", "outer_middle", "middle", "inner_middle", "inner_end")

_NAMES = (
    *(f"jaw_{i}" for i in range(17)),  # from the right ear over the chin (8) to the left ear
    *(f"right_brow_{n}" for n in _BROW),
    *(f"left_brow_{n}" for n in reversed(_BROW)),
    "nose_bridge_top",
    "nose_bridge_upper",
    "nose_bridge_lower",
    "nose_tip",
    "right_nose_wing",
    "right_nostril",
    "nose_base",
    "left_nostril",
    "left_nose_wing",
    "right_eye_outer_corner",
    "right_eye_upper_outer",
    "right_eye_upper_inner",
    "right_eye_inner_corner",
    "right_eye_lower_inner",
    "right_eye_lower_outer",
    "left_eye_inner_corner",
    "left_eye_upper_inner",
    "left_eye_upper_outer",
    "left_eye_outer_corner",
    "left_eye_lower_outer",
    "left_eye_lower_inner",
    "right_mouth_corner",
    "right_upper_lip_outer",
    "right_upper_lip_peak",
    "upper_lip_middle",
    "left_upper_lip_peak",
    "left_upper_lip_outer",
    "left_mouth_corner",
    "left_lower_lip_outer",
    "left_lower_lip_middle",
    "lower_lip_middle",
    "right_lower_lip_middle",
    "right_lower_lip_outer",
    "right_inner_mouth_corner",
    "right_inner_upper_lip",
    "inner_upper_lip_middle",
    "left_inner_upper_lip",
    "left_inner_mouth_corner",
    "left_inner_lower_lip",
    "inner_lower_lip_middle",
    "right_inner_lower_lip",
)


_RIGHT_EYE, _LEFT_EYE = tuple(range(36, 42)), tuple(range(42, 48))

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *line(range(0, 17)),
        *line(range(17, 22)),
        *line(range(22, 27)),
        *line(range(27, 31)),
        *line(range(31, 36)),
        *ring(range(36, 42)),
        *ring(range(42, 48)),
        *ring(range(48, 60)),
        *ring(range(60, 68)),
    ),
    flip=mirrored(_NAMES, {"jaw_": 17}),
    parts={
        "jaw": tuple(range(17)),
        "right_brow": tuple(range(17, 22)),
        "left_brow": tuple(range(22, 27)),
        "nose": tuple(range(27, 36)),
        "right_eye": _RIGHT_EYE,
        "left_eye": _LEFT_EYE,
        "mouth": tuple(range(48, 68)),
    },
    normalisers={"inter_ocular": ((36,), (45,)), "inter_pupil": (_RIGHT_EYE, _LEFT_EYE)},
    name="face68",
    source="Sagonas et al., 300 Faces in-the-Wild Challenge, ICCV workshops 2013",
)
