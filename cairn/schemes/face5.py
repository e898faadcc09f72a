"""Five points of a face: eye centres, nose tip, mouth corners.

The order is that of MTCNN, RetinaFace and ArcFace's aligned crops. Their papers call the eye on the picture's left the
left one; here right and left are the subject's own, as in every scheme of ours, so the right eye comes first. An eye's
centre is the mean of the points around it, not the pupil.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multitask Cascaded Convolutional Networks, IEEE Signal
Processing Letters 2016.
"""

from cairn.schemes.symmetry import mirrored
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_NAMES = ("right_eye_center", "left_eye_center", "nose_tip", "right_mouth_corner", "left_mouth_corner")

SKELETON = Skeleton(
    names=_NAMES,
    edges=((0, 1), (0, 2), (1, 2), (2, 3), (2, 4), (3, 4)),
    flip=mirrored(_NAMES),
    parts={"eyes": (0, 1), "mouth": (3, 4)},
    normalisers={"inter_pupil": ((0,), (1,))},
    name="face5",
    source="Zhang et al., MTCNN, IEEE Signal Processing Letters 2016, https://arxiv.org/abs/1604.02878",
)
