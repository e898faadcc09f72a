"""Pictures for pages: an object cut out, with labels and predictions drawn over it as lines that stay sharp.

The pixels are a small JPEG inside the page; points are SVG in the pixels of that cut, so that they can be hidden by the
reader and printed at any size. A dot is a prediction, a cross the truth, the line between them the error.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.report.markup import Content, Markup, tag

__all__ = ["SIDE", "Cut", "cut", "data_uri", "tile", "toggles"]

SIDE = 340  # px, longest side of a picture in a page
MARGIN = 0.25  # of the object's longer side, around it
_QUALITY = 80  # JPEG
_NAMED = 6  # rings, up to which each has its point's name


@dataclass(frozen=True, eq=False)
class Cut:
    """A part of a picture brought to another size: x becomes ``zoom (x - low + 1/2) - 1/2``.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    low : (2,) whole px, its first pixel in the picture
    zoom : how much larger it is than in the picture
    """

    pixels: np.ndarray
    low: np.ndarray
    zoom: float

    @property
    def shift(self) -> np.ndarray:
        """(2,) what is added to ``zoom x``."""
        return self.zoom * (0.5 - self.low) - 0.5

    def place(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) px of the picture in px of the cut."""
        return points * self.zoom + self.shift


def cut(image: Image, around: np.ndarray, *, margin: float = MARGIN, side: int = SIDE) -> Cut:
    """The part of a picture around points, square where the picture has room for that.

    Parameters
    ----------
    around : (P, 2) px; those that are NaN are left out; the whole picture where all are
    margin : around it, in lengths of its longer side
    side : px, of the result's longer side
    """
    import cv2

    size = np.array(image.size)
    seen = around[np.isfinite(around).all(axis=1)]
    if len(seen):
        low, high = seen.min(axis=0), seen.max(axis=0)
        reach = (0.5 + margin) * max((high - low).max(), 4)
        window = np.minimum(np.ceil(2 * reach).astype(int), size)
        # What would lie outside of its picture is moved into it.
        low = np.clip(np.floor((low + high) / 2 - reach), 0, size - window).astype(int)
        high = low + window - 1
    else:
        low, high = np.zeros(2, int), size - 1
    pixels = np.ascontiguousarray(image.rgb()[low[1] : high[1] + 1, low[0] : high[0] + 1])
    zoom = side / max(pixels.shape[:2])
    width, height = (max(1, round(s * zoom)) for s in pixels.shape[1::-1])
    pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    return Cut(pixels, low, zoom)


def data_uri(pixels: np.ndarray, quality: int = _QUALITY) -> str:
    """Pixels (H, W, 3) uint8 RGB as a JPEG inside an address."""
    import io

    from PIL import Image as Pillow

    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=quality, optimize=True, progressive=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def tile(
    part: Cut,
    *,
    words: str,
    caption: Content = None,
    truth: Landmarks | None = None,
    found: Landmarks | None = None,
    asked: Landmarks | None = None,
    name: str = "",
    again: str = "",
) -> Markup:
    """A picture with its caption, for `cairn.report.blocks.gallery`.

    Parameters
    ----------
    part : of the picture
    words : what is to be seen, for those who do not see it
    caption : below
    truth, found : rows of labels and predictions, px of the whole picture; crosses, and dots
    asked : rows of points that get a ring around them, because something is to be said of them
    name : of the pixels, if they are shown once more
    again : the name of pixels that another tile has: they are not written a second time
    """
    height, width = part.pixels.shape[:2]
    if again:
        pixels = tag("use", href=f"#{again}")
    else:
        pixels = tag("image", href=data_uri(part.pixels), width=width, height=height, id=name or None)
    drawing = tag(
        "svg",
        pixels,
        _marks(part, truth, found),
        _rings(part, asked),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=words,
        class_="shot",
    )
    box = tag("input", type="checkbox", aria_label="show larger")
    return tag("figure", tag("label", box, drawing, class_="zoom"), tag("figcaption", caption) if caption else None)


def toggles(truth: bool = True, found: bool = True) -> Markup:
    """Two boxes to tick, by which a reader hides labels or predictions in all pictures of the page."""
    boxes = []
    for key, wanted, said in (("truth", truth, "labels"), ("found", found, "predictions")):
        if wanted:
            box = tag("input", type="checkbox", checked=True, class_=f"show-{key}")
            boxes.append(tag("label", box, tag("span", class_=f"sign {key}", aria_hidden="true"), said))
    return tag("div", boxes, class_="toggles")


def _marks(part: Cut, truth: Landmarks | None, found: Landmarks | None) -> list[Markup]:
    """Edges, errors, crosses, dots; each kind is one path, twice: dark below, light above."""
    true = None if truth is None else part.place(truth.points[..., :2])
    guess = None if found is None else part.place(found.points[..., :2])
    unit = max(part.pixels.shape[:2]) / 340
    size = _size(true if true is not None else guess, unit)
    parts = []
    if true is not None and guess is not None and len(true) == len(guess):
        both = np.isfinite(true).all(axis=-1) & np.isfinite(guess).all(axis=-1)
        ways = "".join(f"M{_xy(a)}L{_xy(b)}" for a, b in zip(guess[both], true[both], strict=True))
        parts.append(tag("g", _twice(ways, 0.5 * size), class_="truth error"))
    if true is not None:
        arm = 1.1 * size
        seen = true[np.isfinite(true).all(axis=-1)]
        crosses = "".join(
            f"M{x - arm:.1f} {y - arm:.1f}l{2 * arm:.1f} {2 * arm:.1f}m0 {-2 * arm:.1f}l{-2 * arm:.1f} {2 * arm:.1f}"
            for x, y in seen
        )
        parts.append(tag("g", _twice(crosses, 0.55 * size), class_="truth"))
    if guess is not None and found is not None:
        seen = np.isfinite(guess).all(axis=-1)
        edges = "".join(
            f"M{_xy(row[a])}L{_xy(row[b])}"
            for row, here in zip(guess, seen, strict=True)
            for a, b in found.skeleton.edges
            if here[a] and here[b]
        )
        dots = "".join(f"M{_xy(p)}h0" for p in guess[seen])
        thin = tag("path", d=edges, class_="edges", stroke_width=f"{0.35 * size:.2f}")
        parts.append(tag("g", thin if edges else None, _twice(dots, 1.7 * size), class_="found"))
    return parts


def _rings(part: Cut, asked: Landmarks | None) -> Markup | None:
    """A ring around each point, large enough to be found; with its name where there are few."""
    if asked is None:
        return None
    points = part.place(asked.points[..., :2])
    r = 9 * max(part.pixels.shape[:2]) / 340
    seen = points[np.isfinite(points).all(axis=-1)]
    half = f"a{r:.1f} {r:.1f} 0 1 0"
    rings = "".join(f"M{x - r:.1f} {y:.1f}{half} {2 * r:.1f} 0{half} {-2 * r:.1f} 0" for x, y in seen)
    return tag("g", _twice(rings, 0.25 * r), _names(part, asked, 1.7 * r), class_="truth asked") if rings else None


def _names(part: Cut, asked: Landmarks, size: float) -> list[Markup]:
    """Beside each ring, towards the middle of the picture, so that nothing is cut off."""
    points = part.place(asked.points[..., :2])
    where = np.argwhere(np.isfinite(points).all(axis=-1))
    if len(where) > _NAMED:
        return []
    width = part.pixels.shape[1]
    names = []
    for row, k in where:
        x, y = points[row, k]
        right = x < width / 2
        at = x + size if right else x - size
        place = {"x": f"{at:.1f}", "y": f"{y + 0.35 * size:.1f}", "text_anchor": "start" if right else "end"}
        names.append(tag("text", asked.skeleton.names[k], font_size=f"{size:.1f}", class_="name", **place))
    return names


def _twice(path: str, width: float) -> list[Markup]:
    if not path:
        return []
    rim = max(0.35 * width, 0.7)
    return [
        tag("path", d=path, class_="rim", stroke_width=f"{width + rim:.2f}"),
        tag("path", d=path, stroke_width=f"{width:.2f}"),
    ]


def _size(points: np.ndarray | None, unit: float) -> float:
    """Radius of a dot in px: a fifth of the way to the nearest neighbour, within what can be seen."""
    nearest = []
    for row in points if points is not None else ():
        row = row[np.isfinite(row).all(axis=1)]
        if 1 < len(row) <= 2000:
            distance = np.linalg.norm(row[:, None] - row[None], axis=-1)
            np.fill_diagonal(distance, np.inf)
            nearest.append(np.median(distance.min(axis=1)))
    typical = 0.2 * float(np.median(nearest)) if nearest else np.inf
    return float(np.clip(typical, 1.3 * unit, 5 * unit))


def _xy(point: np.ndarray) -> str:
    x, y = np.clip(point, -1e5, 1e5)
    return f"{x:.1f} {y:.1f}"
