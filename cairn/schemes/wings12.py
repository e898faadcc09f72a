"""Twelve crossings and ends of veins on a Drosophila wing, in the order of the common TPS files.

L1 to L5 are the longitudinal veins, counted from the leading edge. Files have no names for them, and twelve unnamed
points may be anything, so this scheme is only taken where it is asked for by name. Left and right wings are not told
apart in such files, so there is no flip.
"""

from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

SKELETON = Skeleton(
    names=(
        "l5_margin",
        "l4_margin",
        "l3_margin",
        "l2_margin",
        "costal_break",
        "humeral_crossvein",
        "posterior_crossvein_l5",
        "posterior_crossvein_l4",
        "anterior_crossvein_l4",
        "anterior_crossvein_l3",
        "l2_l3_fork",
        "l5_base",
    ),
    edges=(
        (10, 9),
        (9, 2),
        (9, 8),
        (8, 7),
        (7, 1),
        (7, 6),
        (11, 6),
        (6, 0),
        (10, 3),
        (3, 2),
        (2, 1),
        (1, 0),
        (5, 4),
        (4, 3),
    ),
    parts={"margin": (0, 1, 2, 3, 4, 5), "crossveins": (6, 7, 8, 9), "base": (10, 11)},
    normalisers={"wing_length": ((2,), (11,))},
    name="wings12",
    source="Drosophila wing landmarks, wings12",
)
