"""Write docs/formats.md from the heads of the modules in cairn/formats, which are where each format is described.

Run it again after a head has changed; tests/test_docs.py says when that was forgotten.
"""

from __future__ import annotations

import inspect
import re
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cairn.dataset import Dataset
from cairn.formats import FORMATS, SUFFIXES
from cairn.geometry.boxes import around
from cairn.images import ImageList
from cairn.landmarks import Landmarks
from cairn.schemes import SCHEMES
from cairn.skeleton import Skeleton

_FOLDERS = ("pts", "labelme", "openpose", "webmorph")  # a file beside each picture
PAGE = Path(__file__).parents[1] / "docs" / "formats.md"

_HEAD = """# Label formats

<!-- Written by scripts/write_formats_page.py from the heads of the modules in cairn/formats. Do not edit it here. -->

`cairn convert SOURCE TARGET` turns any of these into any other and prints what the new one cannot carry;
`cairn formats` lists them. In Python: `cairn.read(path)`, `cairn.write(data, path)`.

**Reading** tells the format from the content; the name of the file does not matter. A folder is read if it holds labels
of one format. Pictures are looked for beside the label file and in `images` beside it;
`--pictures FOLDER`, in Python `cairn.read(path, pictures=folder)`, looks in another folder first. All of them must
exist; they are read later. Where COCO, LabelMe or CVAT say another size than the pictures have, a warning says so.

**Writing** tells the format from the name ({endings}; a folder is `pts`, or `csv` where there are several observers) or
from `--to NAME`. A picture below the file's folder is written with its relative path, any other with its full path.

**Coordinates.** Whatever the file counts from, in Cairn x runs to the right, y runs down, and 0 is the centre of the
first pixel of the picture as people see it, its EXIF orientation applied. NaN is a point without a label. Where a file
has no boxes, a box is the one tight around the labelled points.

**Names.** Where the names of the points are those of a known scheme ({schemes}), Cairn adds its mirror image, parts and
reference lengths. 68 points without names are taken for `face68`; others without names are not guessed (one exception
stands under `csv`).

**What each can carry**, as found by writing it:

{table}
"""


def page() -> str:
    """The whole page."""
    endings = ", ".join(f"`{suffix}`" for suffix in SUFFIXES)
    schemes = ", ".join(f"`{name}`" for name in SCHEMES)
    parts = [_wrapped(_HEAD.format(endings=endings, schemes=schemes, table=_table()))]
    for name, module in FORMATS.items():
        verified = getattr(module, "VERIFIED", "")
        held = (
            f"Held against {verified} in a test."
            if verified
            else "*Unverified*: no test holds it against another program."
        )
        parts.append(f"\n## `{name}`\n\n{_markdown(inspect.cleandoc(module.__doc__ or ''))}\n\n{_filled(held)}\n")
    return "".join(parts)


def _table() -> str:
    """A line for each thing that data may hold, a column for each format; "yes" where writing it loses nothing."""
    rows = [["", *FORMATS], ["---"] * (len(FORMATS) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        data = _plain(Path(folder))
        for what, one in _things(data).items():
            row = [what]
            for name, module in FORMATS.items():
                in_folder = name in _FOLDERS or (name == "csv" and one.observers is not None)
                target = Path(folder) if in_folder else Path(folder, f"labels.{name}")
                row.append("" if module.write(one, target) else "yes")
            rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _plain(folder: Path) -> Dataset:
    """Three unnamed points in each of two pictures, and nothing more."""
    for name in "ab":
        Image.new("L", (60, 50)).save(folder / f"{name}.png")
    points = np.arange(12.0).reshape(2, 3, 2)
    marks = Landmarks(Skeleton.anonymous(3), points, around(points), np.arange(2))
    return Dataset(ImageList([folder / "a.png", folder / "b.png"]), marks)


def _things(data: Dataset) -> dict[str, Dataset]:
    marks, n, k = data.landmarks, len(data), len(data.skeleton)
    named = Skeleton(("apex", "base", "tip"))

    def of(**changes: Any) -> Dataset:
        return replace(data, landmarks=replace(marks, **changes))

    covariance = np.broadcast_to(np.eye(2), (n, k, 2, 2))
    deep = np.concatenate([marks.points, marks.points[..., :1]], axis=2)
    return {
        "names of points": of(skeleton=named),
        "edges": of(skeleton=replace(named, edges=((0, 1),))),
        "mirror pairs, parts, reference lengths": of(skeleton=replace(named, flip=(1, 0, 2), parts={"a": (0,)})),
        "points without label": of(points=np.where(np.arange(k)[:, None] == 1, np.nan, marks.points)),
        "mark: hidden": of(visibility=np.full((n, k), 1)),
        "mark: absent from the picture": of(visibility=np.full((n, k), 3), points=np.full((n, k, 2), np.nan)),
        "several objects in a picture": of(image_index=np.zeros(n)),
        "pictures without an object": replace(data, landmarks=marks.take([0])),
        "boxes that are not tight": of(boxes=marks.boxes + np.array([-1, -1, 1, 1])),
        "confidence": of(confidence=np.full((n, k), 0.5)),
        "covariance": of(covariance=covariance),
        "score of the finder": of(score=np.full(n, 0.5)),
        "depth (z)": of(points=deep),
        "splits": replace(data, split=np.array(["train", "test"])),
        "subjects": replace(data, subject=np.array(["a", "b"])),
        "place in time": replace(data, frame=np.arange(n)),
        "mm per pixel": replace(data, spacing=(0.1, 0.1)),
        "several observers": replace(data, observers=np.stack([marks.points] * 2), observer_names=("one", "two")),
        "licence": replace(data, licence="CC0"),
        "other columns": replace(data, columns={"sex": np.array(["f", "m"])}),
    }


def _markdown(head: str) -> str:
    """A docstring as Markdown: its indented blocks stay what they are, and what is lost stands out."""
    head = head.replace("``", "`")
    head = re.sub(r"^::\n", "", head, flags=re.MULTILINE)
    head = re.sub(r"^(Origin|Cannot carry):", r"**\1:**", head, flags=re.MULTILINE)
    head = "\n\n".join(p if p.startswith((" ", "\n")) else _filled(p) for p in head.split("\n\n"))
    return re.sub(r"\n{3,}", "\n\n", head)


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, 120, break_on_hyphens=False, break_long_words=False)


def _wrapped(text: str) -> str:
    """Paragraphs filled anew, since the names put into them have any length."""
    paragraphs = text.split("\n\n")
    filled = [p if p.startswith(("#", "<!--", "|")) else _filled(p) for p in paragraphs]
    return "\n\n".join(filled).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
