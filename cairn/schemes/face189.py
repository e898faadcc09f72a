"""The 189 points of the Face Research Lab's front face template: the London set and other WebMorph templates.

The template's left is the picture's; here right and left are the subject's own, as in every scheme of ours. Points that
300-W or WFLW set in the same place have their names. The mirror image is the template's own table; the edges are its
lines, which every file of the London set repeats.

DeBruine and Jones: Face Research Lab London Set, figshare 2017; DeBruine: webmorphR, https://github.com/debruine/webmorphR
(``FRL`` template, with a sentence on where each point is).
"""

from cairn.schemes.symmetry import line, mirrored, ring
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_LID = ("outer_corner", "upper_outer_quarter", "upper_middle", "upper_inner_quarter", "inner_corner")
_LOWER_LID = ("lower_outer_quarter", "lower_middle", "lower_inner_quarter")
_CREASE = ("outer_end", "outer", "middle", "inner", "inner_end")
_IRIS = ("top", "top_outer", "outer", "bottom_outer", "bottom", "bottom_inner", "inner", "top_inner")
_ALA = ("ala_top", "ala_upper", "ala_lower", "ala_bottom", "nostril_outer_edge")
_BROW = ("outer_end", "top_1", "top_2", "top_3", "upper_end", "lower_end")
_JOIN = ("top", "middle", "bottom")
_EAR = ("ear_top", "ear_outside_upper", "ear_outside_middle", "ear_outside_lower", "earlobe_bottom")
_JAW = ("jaw_at_ear", "jaw_at_neck", "jaw", "chin_corner")
_THREE = ("outer", "middle", "inner")


def _right(*names: str) -> tuple[str, ...]:
    return tuple(f"right_{n}" for n in names)


def _left(*names: str) -> tuple[str, ...]:
    return tuple(f"left_{n}" for n in names)


def _of(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{what}_{n}" for n in names)


def _counted(what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{what}_{i + 1}" for i in range(count))


_NAMES = (
    *("right_pupil", "left_pupil"),
    *_right(*_of("iris", _IRIS)),  # from the top, against the clock as one sees it
    *_left(*_of("iris", (_IRIS[0], *reversed(_IRIS[1:])))),
    *_right(*_of("eye", _LID)),  # 18
    *_left(*_of("eye", _LID[::-1])),
    *_right(*_of("eye", _LOWER_LID)),
    *_left(*_of("eye", _LOWER_LID[::-1])),
    *_right(*_of("lid_crease", _CREASE)),  # 34
    *_left(*_of("lid_crease", _CREASE[::-1])),
    *_right(*_of("under_eye", _THREE)),
    *_left(*_of("under_eye", _THREE[::-1])),
    *(*_right(*_counted("nose_side", 5)), "nose_base"),  # 50
    *_left(*_counted("nose_side", 5)),
    *_right(*_ALA),
    *_left(*_ALA),
    *_right(*_of("brow", _BROW)),  # 71
    *_left(*_of("brow", _BROW[::-1])),
    *_right("brow_bottom_1", "brow_bottom_2"),
    *_left("brow_bottom_2", "brow_bottom_1"),
    *(*_right("mouth_corner", "upper_lip_outer", "upper_lip_peak"), "upper_lip_middle"),  # 87
    *_left("upper_lip_peak", "upper_lip_outer", "mouth_corner"),
    *(
        *_right(*_counted("inner_upper_lip", 2)),
        "inner_upper_lip_middle",
        *_left(*_counted("inner_upper_lip", 2)[::-1]),
    ),
    *(
        *_right(*_counted("inner_lower_lip", 2)),
        "inner_lower_lip_middle",
        *_left(*_counted("inner_lower_lip", 2)[::-1]),
    ),
    *(
        *_right("lower_lip_outer", "lower_lip_middle"),
        "lower_lip_middle",
        *_left("lower_lip_middle", "lower_lip_outer"),
    ),
    *_right(*_of("ear_joins_head", _JOIN)),  # 109
    *_left(*_of("ear_joins_head", _JOIN)),
    *_right(*_EAR),
    *_left(*_EAR),
    *(*_right(*_JAW), "chin", *_left(*_JAW[::-1])),  # 125
    *(*_right(*_counted("hairline", 5)), "hairline_middle", *_left(*_counted("hairline", 5)[::-1])),
    *_right("neck", *_counted("head", 5)),  # 145
    "head_top",
    *_left(*_counted("head", 5)[::-1], "neck"),
    *_right(*_of("smile_line", _JOIN)),
    *_left(*_of("smile_line", _JOIN)),
    *_right(*_of("cheekbone", _THREE)),  # 164
    *_left(*_of("cheekbone", _THREE)),
    *_right("philtrum_top", "philtrum_bottom"),
    *_left("philtrum_top", "philtrum_bottom"),
    *("chin_dimple_top", "chin_dimple_bottom"),
    *("right_chin_crease", "chin_crease_middle", "left_chin_crease"),
    *_right("nostril_inner_edge", "septum_edge"),  # 179
    *_left("septum_edge", "nostril_inner_edge"),
    *("right_adams_apple", "left_adams_apple"),
    *_right("ear_joins_head_upper", "ear_joins_head_lower"),
    *_left("ear_joins_head_upper", "ear_joins_head_lower"),
)

SKELETON = Skeleton(
    names=_NAMES,
    edges=(
        *(*ring(range(2, 10)), *ring(range(10, 18))),
        *(*line(range(18, 23)), *line(range(23, 28)), *line((18, 28, 29, 30, 22)), *line((23, 31, 32, 33, 27))),
        *(*line(range(34, 39)), *line(range(39, 44)), *line(range(44, 47)), *line(range(47, 50))),
        *(*line(range(50, 56)), *line((*range(56, 61), 55))),
        *(*line((*range(61, 66), 179, 180, 55)), *line((*range(66, 71), 182, 181, 55))),
        *(*line(range(71, 77)), *line(range(77, 83)), *line((71, 83, 84, 76)), *line((77, 85, 86, 82))),
        *(*line(range(87, 94)), *line((87, *range(94, 99), 93)), *line((87, *range(99, 104), 93))),
        *line((87, *range(104, 109), 93)),
        *(*line((109, 185, 110, 186, 111)), *line((112, 187, 113, 188, 114))),
        *(*line((109, *range(115, 120), 111)), *line((112, *range(120, 125), 114))),
        *(*line((109, *range(134, 145), 112)), *line(range(145, 158))),
        *(*line(range(158, 161)), *line(range(161, 164)), *line(range(164, 167)), *line(range(167, 170))),
        *((170, 171), (172, 173), (174, 175), (176, 177), (177, 178)),
        *((126, 145), (132, 157), (145, 183), (183, 184), (184, 157)),
        *line((111, *range(125, 134), 114)),
    ),
    flip=mirrored(_NAMES),
    parts={
        "right_eye": (0, *range(2, 10), *range(18, 23), *range(28, 31), *range(34, 39), *range(44, 47)),
        "left_eye": (1, *range(10, 18), *range(23, 28), *range(31, 34), *range(39, 44), *range(47, 50)),
        "nose": (*range(50, 71), *range(170, 174), *range(179, 183)),
        "right_brow": (*range(71, 77), 83, 84),
        "left_brow": (*range(77, 83), 85, 86),
        "mouth": tuple(range(87, 109)),
        "right_ear": (*range(109, 112), *range(115, 120), 185, 186),
        "left_ear": (*range(112, 115), *range(120, 125), 187, 188),
        "jaw": (*range(125, 134), *range(174, 179)),
        "head": (*range(134, 158), 183, 184),
        "cheeks": tuple(range(158, 170)),
    },
    normalisers={"inter_ocular": ((18,), (27,)), "inter_pupil": ((0,), (1,))},
    name="face189",
    source="DeBruine and Jones, Face Research Lab London Set, https://doi.org/10.6084/m9.figshare.5047666; "
    "names after webmorphR's FRL template, https://github.com/debruine/webmorphR",
)
