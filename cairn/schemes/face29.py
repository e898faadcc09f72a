"""The 29 points of LFPW, which COFW has too.

The sources' left is the picture's; here right and left are the subject's own, as in every scheme of ours. The mirror
image agrees with MMPose's table of COFW, the sides with the mean face in PIPNet's repository.

Burgos-Artizzu, Perona, Dollar: Robust Face Landmark Estimation under Occlusion, ICCV 2013; Belhumeur, Jacobs,
Kriegman, Kumar: Localizing Parts of Faces Using a Consensus of Exemplars, CVPR 2011.
"""

from cairn.schemes.symmetry import mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_NAMES = (
    *("right_brow_outer_end", "left_brow_outer_end", "right_brow_inner_end", "left_brow_inner_end"),
    *("right_brow_upper_middle", "right_brow_lower_middle", "left_brow_upper_middle", "left_brow_lower_middle"),
    *("right_eye_outer_corner", "left_eye_outer_corner", "right_eye_inner_corner", "left_eye_inner_corner"),
    *("right_eye_upper_middle", "right_eye_lower_middle", "left_eye_upper_middle", "left_eye_lower_middle"),
    *("right_pupil", "left_pupil"),
    *("right_nose_outer", "left_nose_outer", "nose_tip", "nose_base"),
    *("right_mouth_corner", "left_mouth_corner"),
    *("upper_lip_middle", "inner_upper_lip_middle", "inner_lower_lip_middle", "lower_lip_middle"),
    "chin",
)

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *(*ring((0, 4, 2, 5)), *ring((1, 6, 3, 7))),
        *(*ring((8, 12, 10, 13)), *ring((9, 14, 11, 15))),
        *ring((18, 20, 19, 21)),
        *(*ring((22, 24, 23, 27)), *ring((22, 25, 23, 26))),
    ),
    flip=mirrored(_NAMES),
    parts={
        "right_brow": (0, 2, 4, 5),
        "left_brow": (1, 3, 6, 7),
        "right_eye": (8, 10, 12, 13, 16),
        "left_eye": (9, 11, 14, 15, 17),
        "nose": (18, 19, 20, 21),
        "mouth": tuple(range(22, 28)),
    },
    normalisers={"inter_ocular": ((8,), (9,)), "inter_pupil": ((16,), (17,))},
    name="face29",
    source="Burgos-Artizzu et al., COFW, ICCV 2013, http://www.vision.caltech.edu/xpburgos/ICCV13/; "
    "Belhumeur et al., LFPW, CVPR 2011",
)
