"""The 19 points of the ISBI 2015 challenge, on lateral X-rays of the skull.

A skull seen from the side has no mirror image among such films, so there is no flip.

Wang et al.: A benchmark for comparison of dental radiography analysis algorithms, Medical Image Analysis 2016.
"""

from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

SKELETON = Skeleton(
    names=(
        "sella",
        "nasion",
        "orbitale",
        "porion",
        "subspinale",
        "supramentale",
        "pogonion",
        "menton",
        "gnathion",
        "gonion",
        "lower_incisal_edge",
        "upper_incisal_edge",
        "upper_lip",
        "lower_lip",
        "subnasale",
        "soft_tissue_pogonion",
        "posterior_nasal_spine",
        "anterior_nasal_spine",
        "articulare",
    ),
    edges=(
        *((0, 1), (3, 2), (1, 17), (17, 4), (4, 11), (17, 16)),  # sella-nasion, Frankfurt plane, upper jaw
        *((18, 9), (9, 7), (7, 8), (8, 6), (6, 5), (5, 10)),  # lower jaw
        *((14, 12), (12, 13), (13, 15)),  # soft tissue
    ),
    parts={
        "skull": (0, 1, 2, 3, 18),
        "upper_jaw": (4, 11, 16, 17),
        "lower_jaw": (5, 6, 7, 8, 9, 10),
        "soft_tissue": (12, 13, 14, 15),
    },
    normalisers={"sella_nasion": ((0,), (1,))},
    name="cephalo19",
    source="Wang et al., ISBI 2015 cephalometric challenge, Medical Image Analysis 2016",
)
