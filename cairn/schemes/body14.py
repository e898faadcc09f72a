"""The 14 joints of Leeds Sports Pose. Right and left are the person's own.

Torso, the reference of PCK@0.2, runs from the left hip to the right shoulder (Sapp and Taskar, MODEC, CVPR 2013).
Sigmas are those of CrowdPose, which has the same joints (Li et al., CVPR 2019).

Johnson and Everingham: Learning Effective Human Pose Estimation from Inaccurate Annotation, CVPR 2011.
"""

from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

SKELETON = Skeleton(
    names=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "neck",
        "head_top",
    ),
    edges=((0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (9, 10), (10, 11), (8, 12), (9, 12), (12, 13), (2, 3)),
    flip=(5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13),
    parts={
        "right_leg": (0, 1, 2),
        "left_leg": (3, 4, 5),
        "right_arm": (6, 7, 8),
        "left_arm": (9, 10, 11),
        "head": (12, 13),
    },
    normalisers={"torso": ((3,), (8,)), "head": ((12,), (13,))},
    sigmas=(0.089, 0.087, 0.107, 0.107, 0.087, 0.089, 0.062, 0.072, 0.079, 0.079, 0.072, 0.062, 0.079, 0.079),
    name="body14",
    source="Johnson and Everingham, Leeds Sports Pose, CVPR 2011",
)
