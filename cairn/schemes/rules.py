"""What the points of one scheme are in the points of another, where that can be said without looking at a picture.

Points of the same name are the same point. The rest is a mean of points, which is exact where the target is defined so
(an eye's centre is the mean of the points around it), or a place along a curve through points, given as a share of its
arc length, which is as good as the curve is known. What has no entry cannot be had from the other scheme: a pupil does
not follow from the lids, nor a hairline from a jaw.

The conventions between 300-W, WFLW and COFW that are taken here are those of the papers that convert between them: the
one line of 300-W's brow is WFLW's upper edge, the contours run from the same place at the ears, 300-W's jaw point 8 is
the chin. They hold within a few per cent of the eyes' distance (docs/schemes.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from cairn.schemes.face68 import SKELETON as FACE68

__all__ = ["RULES", "Rule", "rules_between"]


@dataclass(frozen=True)
class Rule:
    """One point in terms of others.

    Parameters
    ----------
    points : names in the source scheme
    share : None is their mean; otherwise the share of the arc length, 0 to 1, of the curve through them, in that order
    exact : whether the target is defined so; otherwise two conventions are taken for one
    """

    points: tuple[str, ...]
    share: float | None = None
    exact: bool = False


def _sides(make: dict[str, Rule]) -> dict[str, Rule]:
    """Rules of both sides, from those of the right one."""
    left = {
        f"left_{name.removeprefix('right_')}": Rule(
            tuple(p.replace("right_", "left_") for p in rule.points), rule.share, rule.exact
        )
        for name, rule in make.items()
    }
    return make | left


def _eye(*points: str) -> dict[str, Rule]:
    return _sides({"right_eye_center": Rule(tuple(f"right_eye_{p}" for p in points), exact=True)})


_LIDS68 = {
    lid: tuple(f"right_eye_{p}" for p in ("outer_corner", f"{lid}_outer", f"{lid}_inner", "inner_corner"))
    for lid in ("upper", "lower")
}
_QUARTERS = ("outer_quarter", "middle", "inner_quarter")
_LIDS98 = {
    lid: tuple(f"right_eye_{p}" for p in ("outer_corner", *(f"{lid}_{q}" for q in _QUARTERS), "inner_corner"))
    for lid in ("upper", "lower")
}
_AROUND68 = ("outer_corner", "upper_outer", "upper_inner", "inner_corner", "lower_inner", "lower_outer")
_AROUND98 = ("outer_corner", *(f"{lid}_{q}" for lid in ("upper", "lower") for q in _QUARTERS), "inner_corner")
_AROUND29 = ("outer_corner", "inner_corner", "upper_middle", "lower_middle")

_JAW = tuple(f"jaw_{i}" for i in range(17))
_CONTOUR = tuple(f"contour_{i}" for i in range(33))
_BROW68_TO_98 = {"outer_middle": "upper_outer", "middle": "upper_middle", "inner_middle": "upper_inner"}
_BROW68_TO_98 |= {"inner_end": "upper_end"}

# Lids of three points between the corners (WFLW, JD-landmark, London) from lids of two, and the other way round.
_LIDS_TO_QUARTERS = _sides(
    {f"right_eye_{lid}_{q}": Rule(_LIDS68[lid], (i + 1) / 4) for lid in _LIDS68 for i, q in enumerate(_QUARTERS)}
)
_LIDS_TO_THIRDS = _sides(
    {
        f"right_eye_{lid}_{where}": Rule(_LIDS98[lid], share)
        for lid in _LIDS98
        for where, share in (("outer", 1 / 3), ("inner", 2 / 3))
    }
)
_BROWS_TO_98 = _sides({f"right_brow_{b}": Rule((f"right_brow_{a}",)) for a, b in _BROW68_TO_98.items()})
_BROWS_TO_68 = _sides({f"right_brow_{a}": Rule((f"right_brow_{b}",)) for a, b in _BROW68_TO_98.items()})
_BROW189 = tuple(f"right_brow_{n}" for n in ("outer_end", "top_1", "top_2", "top_3", "upper_end"))

RULES: dict[tuple[str, str], dict[str, Rule]] = {
    ("face68", "face5"): _eye(*_AROUND68),
    ("face51", "face5"): _eye(*_AROUND68),
    ("face98", "face5"): _eye(*_AROUND98),
    ("face106", "face5"): _eye(*_AROUND98),
    ("face29", "face5"): _eye(*_AROUND29),
    ("face189", "face5"): _eye(*_AROUND98),
    ("face68", "face19"): {
        **_eye(*_AROUND68),
        **_sides({"right_brow_center": Rule(("right_brow_middle",))}),
        "mouth_center": Rule(("inner_upper_lip_middle", "inner_lower_lip_middle")),
        "chin": Rule(("jaw_8",)),
    },
    ("face68", "face29"): {
        **_sides({"right_brow_upper_middle": Rule(("right_brow_middle",))}),
        **{name: rule for name, rule in _LIDS_TO_QUARTERS.items() if name.endswith("_middle")},
        "chin": Rule(("jaw_8",)),
    },
    ("face98", "face29"): {"chin": Rule(("contour_16",))},
    ("face106", "face29"): {"chin": Rule(("outline_16",))},
    ("face68", "face98"): {
        **{name: Rule(_JAW, i / 32) for i, name in enumerate(_CONTOUR)},
        **_BROWS_TO_98,
        **_LIDS_TO_QUARTERS,
    },
    ("face98", "face68"): {
        **{name: Rule(_CONTOUR, i / 16) for i, name in enumerate(_JAW)},
        **_BROWS_TO_68,
        **_LIDS_TO_THIRDS,
    },
    ("face68", "face106"): {"outline_16": Rule(("jaw_8",)), **_BROWS_TO_98, **_LIDS_TO_QUARTERS},
    ("face106", "face68"): {"jaw_8": Rule(("outline_16",)), **_BROWS_TO_68, **_LIDS_TO_THIRDS},
    ("face98", "face106"): {"outline_16": Rule(("contour_16",))},
    ("face106", "face98"): {"contour_16": Rule(("outline_16",))},
    ("face189", "face68"): {
        "jaw_8": Rule(("chin",)),
        **_sides(
            {
                f"right_brow_{n}": Rule(_BROW189, share)
                for n, share in (("outer_middle", 0.25), ("middle", 0.5), ("inner_middle", 0.75), ("inner_end", 1.0))
            }
        ),
        **_LIDS_TO_THIRDS,
    },
}
_INNER = set(FACE68.names[17:])


def rules_between(source: str, target: str) -> dict[str, Rule]:
    """What is known, by the names of the target's points; points of the same name are not listed.

    Parameters
    ----------
    source, target : names of schemes
    """
    if target == "face51" and source != "face68":
        return {name: rule for name, rule in RULES.get((source, "face68"), {}).items() if name in _INNER}
    if source == "face51" and target != "face5":
        rules = RULES.get(("face68", target), {})
        return {name: rule for name, rule in rules.items() if set(rule.points) <= _INNER}
    return RULES.get((source, target), {})
