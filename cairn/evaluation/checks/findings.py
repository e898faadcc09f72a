"""What a check has found: kind, severity, place, one sentence, and what to do about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cairn.errors import InputError
from cairn.files import write_whole

if TYPE_CHECKING:
    from cairn.dataset import Dataset

__all__ = ["KINDS", "SEVERITIES", "Finding", "Findings", "Severity"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# kind: (what it is, what to do); in the order of a table
KINDS: dict[str, tuple[str, str]] = {
    "unreadable_picture": ("Pictures that cannot be read", "Copy or export the file again, or take it out."),
    "bad_box": ("Boxes that cannot be used", "Write boxes as x0, y0, x1, y1 around the points, or leave them out."),
    "normalised": (
        "Coordinates that are fractions of the picture",
        "Multiply x by the picture's width and y by its height, or name the format when you read.",
    ),
    "y_from_bottom": ("y counted from the bottom", "Replace y by height - 1 - y for these pictures."),
    "xy_exchanged": ("x and y exchanged", "Exchange the two columns for these pictures."),
    "mirrored": (
        "Mirror images of the others",
        "See whether the picture was mirrored; if so mirror it back, or its labels with it.",
    ),
    "left_right_swapped": (
        "Left and right swapped",
        "Exchange left and right names in these objects; left is the object's own left in most schemes.",
    ),
    "outside_picture": ("Points outside their picture", "Correct them, or clear them and mark the point as absent."),
    "offset": (
        "Labels shifted against the pictures",
        "Find out whether the first pixel's centre is 0, 0.5 or 1 there, and subtract what is too much.",
    ),
    "placeholder": (
        "Coordinates that mean 'missing'",
        "Clear these coordinates, so that nothing learns from them.",
    ),
    "points_exchanged": ("Points exchanged", "Exchange the two names, after a look at the picture."),
    "unlikely_point": ("Points far from where the others say", "Look at them, worst first; correct what is wrong."),
    "unlikely_shape": ("Shapes unlike the others", "Look at them, worst first; they may be right and only rare."),
    "copied_labels": ("The same labels in two pictures", "Label one of the two anew."),
    "labelled_twice": ("An object labelled twice", "Take one of the two away."),
    "duplicate_picture": ("The same picture twice", "Keep one, or give both to the same split and subject."),
    "subject_in_splits": (
        "A subject in several splits",
        "Move each subject to one split; cairn split --by subject does.",
    ),
    "picture_in_splits": ("A picture in several splits", "Give all objects of a picture to one split."),
    "constant_point": ("Points that never move", "See whether the point was labelled at all."),
    "visibility": ("Visibility that contradicts the coordinates", "Label the point, or mark it as not labelled."),
    "alike_pictures": ("Pictures that are nearly alike", "Split them by block of time, never at random."),
    "rare_point": ("Points with few labels", "Label them more often, or leave the point out."),
    "observer_differs": ("An observer who differs from the others", "Agree on where the point is, with the pictures."),
    "observer_spread": ("Spread between observers", "No model can be more right than this; compare errors with it."),
    "few_objects": ("Too few objects", "Label more; at least twelve objects show what is usual."),
    "label_counts": ("How many labels there are", ""),
}


@dataclass(frozen=True)
class Finding:
    """One thing that somebody should look at.

    Parameters
    ----------
    kind : one of `KINDS`
    severity : error: a model would learn or measure something wrong; warning: look at it; note: good to know
    sentence : what was found
    images : indices of the pictures that it is about; none where it is about the data as a whole
    row : the object (row of the landmarks), or None
    points : indices of its points
    pictures : names of the pictures
    names : names of the points
    score : how bad, within its kind; larger is worse
    """

    kind: str
    severity: Severity
    sentence: str
    images: tuple[int, ...] = ()
    row: int | None = None
    points: tuple[int, ...] = ()
    pictures: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    score: float = 0.0

    @property
    def remedy(self) -> str:
        """What to do."""
        return KINDS[self.kind][1]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "sentence": self.sentence,
            "what_to_do": self.remedy,
            "pictures": list(self.pictures),
            "images": list(self.images),
            "object": self.row,
            "points": list(self.names),
            "score": round(float(self.score), 4),
        }


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that was found in one data set, worst first within a kind; a sequence of `Finding`.

    Parameters
    ----------
    data : name of the data
    dataset : what was checked
    found : the findings
    """

    data: str
    dataset: Dataset = field(repr=False)
    found: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Any:
        return iter(self.found)

    def __getitem__(self, i: int) -> Finding:
        return self.found[i]

    def of_kind(self, *kinds: str) -> list[Finding]:
        """Those of the kinds, worst first."""
        return [f for f in self.found if f.kind in kinds]

    def by_kind(self) -> dict[str, list[Finding]]:
        """Findings of each kind that occurs, the gravest kinds first."""
        kinds = dict.fromkeys(f.kind for f in self.found)
        groups = {kind: self.of_kind(kind) for kind in kinds}
        order = {kind: i for i, kind in enumerate(KINDS)}
        return dict(sorted(groups.items(), key=lambda g: (_gravest(g[1]), order[g[0]])))

    def count(self, severity: Severity) -> int:
        """Findings of that severity."""
        return sum(f.severity == severity for f in self.found)

    @property
    def summary(self) -> str:
        """One sentence."""
        data = self.dataset
        what = f"{_many(len(data), 'object')} in {_many(len(data.images), 'picture')}"
        counts = [_many(self.count(s), s) for s in SEVERITIES[:2] if self.count(s)]
        return f"{what}: {' and '.join(counts) if counts else 'nothing found that looks wrong'}"

    def to_json(self) -> dict[str, Any]:
        """Plain values: counts and every finding."""
        return {
            "data": self.data,
            "objects": len(self.dataset),
            "pictures": len(self.dataset.images),
            "points": list(self.dataset.skeleton.names),
            "severities": {s: self.count(s) for s in SEVERITIES},
            "kinds": dict(Counter(f.kind for f in self.found)),
            "findings": [f.to_json() for f in self.found],
        }

    def save(self, path: str | Path) -> None:
        """Write JSON or, where the name ends in .html, the page with thumbnails.

        Raises
        ------
        InputError : it cannot be written there, or ends otherwise
        """
        path = Path(path)
        if path.suffix.lower() in (".html", ".htm"):
            from cairn.evaluation.checks.page import page

            page(self).save(path)
        elif path.suffix.lower() == ".json":
            write_whole(path, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")
        else:
            raise InputError(f"{path}: findings are written as .html or .json")

    def table(self, worst: int = 3) -> Any:
        """A rich table: each kind with its count and its worst cases."""
        from rich.table import Table
        from rich.text import Text

        colours = {"error": "bold red", "warning": "yellow", "note": "dim"}
        table = Table(box=None, pad_edge=False, title=self.summary, title_justify="left", title_style="bold")
        for name, justify in (("", "left"), ("n", "right"), ("what was found, worst first", "left")):
            table.add_column(name, justify=justify, vertical="top", overflow="fold")  # type: ignore[arg-type]
        for kind, group in self.by_kind().items():
            title, remedy = KINDS[kind]
            severity = SEVERITIES[_gravest(group)]
            said = Text(title, style="bold")
            for one in group[:worst]:
                said.append(f"\n  {one.sentence}", style="")
            if len(group) > worst:
                said.append(f"\n  and {len(group) - worst} more", style="dim")
            if remedy:
                said.append(f"\n  -> {remedy}", style="cyan")
            table.add_row(Text(severity, style=colours[severity]), str(len(group)), said)
        return table


def _gravest(group: Sequence[Finding]) -> int:
    return min(SEVERITIES.index(f.severity) for f in group)


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
