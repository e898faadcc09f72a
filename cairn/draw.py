"""Pictures of landmarks, readable at any size, and sheets of many.

Coordinates are those of `Landmarks` (0 is the centre of the first pixel) and are drawn with sub-pixel accuracy. A small
picture is enlarged by a whole number s first, which moves x to s (x + 1/2) - 1/2; widths follow the size of the result
and the distance between neighbouring points. Colours keep apart for people who cannot tell red from green.

- disc: a point, coloured by its confidence (from red, 0, over yellow to blue, 1) or, where there is none, by its part
- ring: a hidden point; diamond: one that was repaired or filled in; red ring: one that is judged implausible
- thin ellipse: where the point lies with a probability of 95 %, by its covariance
- box with the finder's score; red where the shape is judged implausible
- green cross: the truth, with a line to the point that should be there
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cairn.errors import InputError
from cairn.files import write_whole
from cairn.images import Image, as_images
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["contact_sheet", "draw_landmarks", "save_picture"]

Colour = tuple[int, int, int]

_ENLARGE_TO = 800  # px, longer side; smaller pictures are enlarged
_CHI2_95 = 5.991  # 95 % quantile of chi-squared with 2 degrees of freedom
_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
_FAR = 1e6  # px; coordinates beyond cannot be drawn

_RAMP = np.array([(214, 47, 39), (255, 150, 40), (255, 221, 60), (110, 205, 235), (30, 130, 255)], float)
_PARTS: tuple[Colour, ...] = (  # Okabe and Ito 2008, lightened where a photograph would hide them
    *((86, 180, 233), (230, 159, 0), (240, 228, 66), (0, 190, 140), (213, 94, 0), (222, 140, 190), (90, 130, 255)),
    *((170, 220, 120), (255, 190, 150), (190, 160, 255)),
)
_PLAIN: Colour = (86, 190, 255)
_EDGE: Colour = (240, 240, 240)
_TRUTH: Colour = (40, 235, 120)
_BOX: Colour = (255, 255, 255)
_BAD: Colour = (235, 50, 40)
_DARK: Colour = (15, 15, 15)


def draw_landmarks(
    image: Any,
    landmarks: Landmarks,
    *,
    boxes: bool = True,
    names: bool | Literal["numbers"] = False,
    covariance: bool = True,
    truth: Landmarks | None = None,
    legend: bool = True,
    scale: int | None = None,
) -> np.ndarray:
    """The picture with every row of `landmarks` on it (see the head of this file for what the marks mean).

    Parameters
    ----------
    image : the picture that the landmarks are of: an `Image`, a path or an array; it is not changed
    landmarks : N rows, px of `image`; all are drawn, whatever their ``image_index``
    boxes, names, covariance : what to draw besides points and edges; ``names="numbers"`` writes indices
    truth : the same skeleton; joined to the prediction row by row where there are as many rows
    legend : a strip that says what the colours of confidence mean
    scale : s, how many times to enlarge; None enlarges a picture whose longer side is below 800 px, at most 16 times

    Returns
    -------
    (s H, s W, 3) uint8 RGB

    Raises
    ------
    InputError : no picture, or several
    ValueError : a volume, or a truth with another number of points
    """
    import cv2

    if not isinstance(image, Image):
        pictures = as_images(image)
        if len(pictures) != 1:
            raise InputError(f"{len(pictures)} pictures; expected one to draw on")
        image = pictures[0]

    if truth is not None and len(truth.skeleton) != len(landmarks.skeleton):
        raise ValueError(f"the truth has {len(truth.skeleton)} points and the landmarks {len(landmarks.skeleton)}")
    pixels = image.rgb()
    height, width = pixels.shape[:2]
    scale = scale or min(16, max(1, -(-_ENLARGE_TO // max(height, width))))
    size = (width * scale, height * scale)
    canvas = pixels.copy() if scale == 1 else cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
    unit = max(min(max(size) / 640, min(size) / 160), 0.8)

    points = _scaled(landmarks.points[..., :2], scale)
    true_points = None if truth is None else _scaled(truth.points[..., :2], scale)
    if landmarks.visibility is not None:
        points = np.where((landmarks.visibility == 3)[..., None], np.nan, points)  # absent
    everything = points if true_points is None else np.concatenate([points, true_points])
    radius = _radius(everything, unit)
    colours = _colours(landmarks)

    faint = canvas.copy()
    _edges(faint, landmarks.skeleton, points, colours, landmarks.confidence is not None, max(1, round(radius * 0.4)))
    if covariance and landmarks.covariance is not None:
        _ellipses(faint, points, landmarks.covariance[..., :2, :2] * scale**2, colours, max(1, round(unit * 0.6)))
    canvas = cv2.addWeighted(faint, 0.7, canvas, 0.3, 0)
    if boxes and landmarks.boxes.shape[1] == 4:
        _boxes(canvas, landmarks, scale, unit)
    if true_points is not None:
        _crosses(canvas, true_points, points if len(points) == len(true_points) else None, radius)
    _points(canvas, points, colours, radius, landmarks)
    if names:
        said = landmarks.skeleton.names if names is True else tuple(map(str, range(len(landmarks.skeleton))))
        _names(canvas, points, said, radius, unit)
    if legend and landmarks.confidence is not None and len(landmarks) and min(size) >= 160:
        _legend(canvas, unit)
    return canvas


def contact_sheet(
    tiles: Sequence[tuple[np.ndarray, str]], columns: int = 4, *, size: int = 320, title: str = ""
) -> np.ndarray:
    """Pictures side by side, row after row, each with its caption below.

    Parameters
    ----------
    tiles : (pixels (H, W, 3) uint8 RGB or (H, W), caption); a picture larger than its place is made smaller
    columns : at least 1
    size : px, side of the square that each picture is given
    title : above all

    Returns
    -------
    (H, W, 3) uint8 RGB

    Raises
    ------
    ValueError : no tiles, or no columns
    """
    import cv2

    if not tiles or columns < 1:
        raise ValueError(f"{len(tiles)} pictures in {columns} columns make no sheet; expected at least one of both")
    columns = min(columns, len(tiles))
    gap, letter = max(4, size // 32), max(11, size // 21)
    line = round(letter * 1.7)
    pictures = []
    for pixels, _ in tiles:
        pixels = Image(np.asarray(pixels)).rgb()
        shrink = min(1.0, size / max(pixels.shape[:2]))
        shape = tuple(max(1, round(side * shrink)) for side in pixels.shape[1::-1])
        pictures.append(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA) if shrink < 1 else pixels)
    heights = [max(p.shape[0] for p in pictures[i : i + columns]) for i in range(0, len(tiles), columns)]
    y = gap + (round(letter * 2.4) if title else 0)
    sheet = np.full((y + sum(h + line + gap for h in heights), columns * (size + gap) + gap, 3), 250, np.uint8)
    if title:
        _text(sheet, _fitted(title, sheet.shape[1] - 2 * gap, letter + 3), (gap, y / 2), letter + 3, _DARK, "lm", 0)
    for i, (pixels, (_, caption)) in enumerate(zip(pictures, tiles, strict=True)):
        x, foot = gap + (i % columns) * (size + gap), y + heights[i // columns]
        height, width = pixels.shape[:2]
        left = x + (size - width) // 2
        sheet[foot - height : foot, left : left + width] = pixels  # stands on its caption
        _text(sheet, _fitted(caption, size, letter), (x + size / 2, foot + line / 2), letter, _DARK, "mm", 0)
        if i % columns == columns - 1:
            y = foot + line + gap
    return sheet


def save_picture(pixels: np.ndarray, path: str | Path) -> None:
    """Write a picture as PNG or JPEG (quality 92), whole or not at all.

    Parameters
    ----------
    pixels : (H, W, 3) RGB or (H, W), uint8; PNG also takes uint16
    path : ends in .png, .jpg or .jpeg; the folder exists

    Raises
    ------
    InputError : another ending, no such folder, or it cannot be written
    """
    import cv2

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"{path}: pictures are written as PNG or JPEG; end the name in .png or .jpg")
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 and not (suffix == ".png" and pixels.dtype == np.uint16):
        raise ValueError(f"pixels are {pixels.dtype}; expected uint8")
    options = [cv2.IMWRITE_PNG_COMPRESSION, 4] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 92]
    bgr = np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    done, data = cv2.imencode(suffix, bgr, options)
    if not done:
        raise ValueError(f"pixels of shape {pixels.shape} cannot be written as {suffix}")
    write_whole(path, data.tobytes())


# --- what is drawn ---


def _edges(canvas: np.ndarray, skeleton: Skeleton, points: np.ndarray, colours: Any, plain: bool, width: int) -> None:
    import cv2

    for row, shape in enumerate(points):
        for a, b in skeleton.edges:
            if np.isfinite(shape[[a, b]]).all():
                same = not plain and tuple(colours[row, a]) == tuple(colours[row, b])
                colour = _tuple(colours[row, a]) if same else _EDGE
                cv2.line(canvas, _fixed(shape[a]), _fixed(shape[b]), colour, width, cv2.LINE_AA, _SHIFT)


def _ellipses(canvas: np.ndarray, points: np.ndarray, covariance: np.ndarray, colours: Any, width: int) -> None:
    import cv2

    known = np.isfinite(points).all(axis=-1) & np.isfinite(covariance).all(axis=(-1, -2))
    for row, k in zip(*np.nonzero(known), strict=True):
        spread, axes = np.linalg.eigh(covariance[row, k])
        long, short = np.sqrt(_CHI2_95 * np.maximum(spread[::-1], 0))
        if not 0.5 < long < 2 * max(canvas.shape):  # nothing to see, or only its sides
            continue
        angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
        half = (round(long * 2**_SHIFT), round(short * 2**_SHIFT))
        centre, colour = _fixed(points[row, k]), _tuple(colours[row, k])
        cv2.ellipse(canvas, centre, half, angle, 0, 360, colour, width, cv2.LINE_AA, _SHIFT)


def _boxes(canvas: np.ndarray, landmarks: Landmarks, scale: int, unit: float) -> None:
    import cv2

    width = max(1, round(1.3 * unit))
    for row, box in enumerate(_scaled(landmarks.boxes, scale)):
        if not np.isfinite(box).all():
            continue
        wrong = landmarks.plausible is not None and not landmarks.plausible[row]
        low, high = _fixed(box[:2]), _fixed(box[2:])
        cv2.rectangle(canvas, low, high, _DARK, width + 2, cv2.LINE_AA, _SHIFT)
        cv2.rectangle(canvas, low, high, _BAD if wrong else _BOX, width, cv2.LINE_AA, _SHIFT)
        if landmarks.score is not None and np.isfinite(landmarks.score[row]):
            letter = round(12 * unit)
            x, y = box[0] + width, box[1] - width  # above the box, or inside where there is no room
            anchor = "ls" if y > letter else "lt"
            y = y - 1 if y > letter else max(box[1], 0) + 2 * width
            _text(canvas, f"{landmarks.score[row]:.2f}", (max(x, 2), y), letter, _BAD if wrong else _BOX, anchor)


def _crosses(canvas: np.ndarray, truth: np.ndarray, points: np.ndarray | None, radius: float) -> None:
    import cv2

    width = max(1, round(radius * 0.4))
    arm = 1.8 * radius + 1
    for row, k in zip(*np.nonzero(np.isfinite(truth).all(axis=-1)), strict=True):
        p = truth[row, k]
        if points is not None and np.isfinite(points[row, k]).all():
            cv2.line(canvas, _fixed(p), _fixed(points[row, k]), _TRUTH, width, cv2.LINE_AA, _SHIFT)
        for colour, w in ((_DARK, width + 1), (_TRUTH, width)):
            for step in ((arm, arm), (arm, -arm)):
                cv2.line(canvas, _fixed(p - step), _fixed(p + step), colour, w, cv2.LINE_AA, _SHIFT)


def _points(canvas: np.ndarray, points: np.ndarray, colours: Any, radius: float, landmarks: Landmarks) -> None:
    import cv2

    rim = max(0.8, 0.3 * radius)
    for row, k in zip(*np.nonzero(np.isfinite(points).all(axis=-1)), strict=True):
        p, colour = points[row, k], _tuple(colours[row, k])
        if landmarks.plausible_points is not None and not landmarks.plausible_points[row, k]:
            thick = max(1, round(0.6 * radius))
            for c, w in ((_DARK, thick + 2), (_BAD, thick)):
                cv2.circle(canvas, _fixed(p), _length(2.2 * radius + 1), c, w, cv2.LINE_AA, _SHIFT)
        if landmarks.altered is not None and landmarks.altered[row, k]:
            for r, c in ((1.5 * (radius + rim), _DARK), (1.5 * radius, colour)):
                corners = np.array([_fixed(p + d) for d in ((r, 0), (0, r), (-r, 0), (0, -r))], np.int32)
                cv2.fillConvexPoly(canvas, corners, c, cv2.LINE_AA, _SHIFT)
        elif landmarks.visibility is not None and landmarks.visibility[row, k] == 1:
            width = max(1, round(0.5 * radius))
            cv2.circle(canvas, _fixed(p), _length(1.6 * radius), _DARK, width + 1, cv2.LINE_AA, _SHIFT)
            cv2.circle(canvas, _fixed(p), _length(1.6 * radius), colour, width, cv2.LINE_AA, _SHIFT)
        else:
            cv2.circle(canvas, _fixed(p), _length(radius + rim), _DARK, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(canvas, _fixed(p), _length(radius), colour, -1, cv2.LINE_AA, _SHIFT)


def _names(canvas: np.ndarray, points: np.ndarray, names: Sequence[str], radius: float, unit: float) -> None:
    """Each name on the side of its point that faces away from the middle of the object."""
    letter = round(np.clip(3.2 * radius, 8, 12 * unit))
    for shape in points:
        seen = np.isfinite(shape).all(axis=-1)
        middle = shape[seen].mean(axis=0) if seen.any() else np.zeros(2)
        for k in np.flatnonzero(seen).tolist():
            away = shape[k] - middle
            away = away / max(np.linalg.norm(away), 1e-9)
            side = "l" if away[0] > 0.3 else "r" if away[0] < -0.3 else "m"
            place = shape[k] + away * (1.6 * radius + 2 + (0.5 * letter if side == "m" else 0))
            _text(canvas, names[k], (place[0], place[1]), letter, (255, 255, 255), side + "m", max(1, letter // 9))


def _legend(canvas: np.ndarray, unit: float) -> None:
    """A strip of the colours of confidence in the lower left corner."""
    letter, length, thick, gap = round(11 * unit), round(90 * unit), max(3, round(7 * unit)), round(6 * unit)
    height = letter + thick + 3 * gap
    panel = canvas[-height:, : length + 2 * gap]
    panel[:] = (panel * 0.35).astype(np.uint8)
    strip = _ramp(np.linspace(0, 1, length))[None]
    panel[-gap - thick : -gap, gap : gap + length] = strip[:, : panel.shape[1] - gap]
    y = panel.shape[0] - 2 * gap - thick
    for text, x, anchor in (("0", gap, "ls"), ("confidence", gap + length / 2, "ms"), ("1", gap + length, "rs")):
        _text(panel, text, (x, y), letter, (255, 255, 255), anchor, 0)


# --- sizes and colours ---


def _scaled(coordinates: np.ndarray, scale: int) -> np.ndarray:
    return coordinates * scale + (scale - 1) / 2


def _radius(points: np.ndarray, unit: float) -> float:
    """A fifth of the median distance to the nearest neighbour, within what can be seen and what is not a blot."""
    nearest = []
    for shape in points:
        shape = shape[np.isfinite(shape).all(axis=-1)]
        if 1 < len(shape) <= 2000:
            distance = np.linalg.norm(shape[:, None] - shape[None], axis=-1)
            np.fill_diagonal(distance, np.inf)
            nearest.append(distance.min(axis=1))
    typical = 0.2 * float(np.median(np.concatenate(nearest))) if nearest else np.inf
    return float(np.clip(typical, max(1.3, 0.6 * unit), 4.5 * unit))


def _ramp(confidence: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 for confidence in [0, 1]; grey where it is NaN."""
    where = np.linspace(0, 1, len(_RAMP))
    rgb = np.stack([np.interp(confidence, where, channel) for channel in _RAMP.T], axis=-1)
    return np.where(np.isfinite(confidence)[..., None], rgb, 160).astype(np.uint8)


def _colours(landmarks: Landmarks) -> np.ndarray:
    """(N, K, 3) uint8."""
    if landmarks.confidence is not None:
        return _ramp(landmarks.confidence)
    parts = landmarks.skeleton.parts
    one = np.tile(np.array(_EDGE if parts else _PLAIN, np.uint8), (len(landmarks.skeleton), 1))
    for i, indices in enumerate(parts.values()):
        one[list(indices)] = _PARTS[i % len(_PARTS)]
    return np.broadcast_to(one, (len(landmarks), *one.shape))


def _fixed(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(np.clip(point, -_FAR, _FAR) * 2**_SHIFT).astype(int)
    return int(x), int(y)


def _length(value: float) -> int:
    return round(value * 2**_SHIFT)


def _tuple(colour: np.ndarray) -> Colour:
    r, g, b = (int(c) for c in colour)
    return r, g, b


# --- letters ---


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    """DejaVu Sans, which comes with matplotlib and has most alphabets; matplotlib itself is not loaded."""
    from importlib.util import find_spec

    from PIL import ImageFont

    spec = find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder, "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")
        if file.is_file():
            return ImageFont.truetype(str(file), size)
    return ImageFont.load_default(size)


def _fitted(text: str, width: float, size: int) -> str:
    """The text, or its two ends with dots between where it is wider than `width` px."""
    font = _font(size)
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 2, 0, -1):
        short = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
        if font.getlength(short) <= width:
            return short
    return "…"


def _text(
    canvas: np.ndarray,
    text: str,
    place: tuple[float, float],
    size: int,
    colour: Colour,
    anchor: str = "ls",
    halo: int = 2,
) -> None:
    """Write on the canvas; `anchor` as in Pillow (l m r, then t m s), `halo` px of dark around the letters."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    if not text or not np.isfinite(place).all():
        return
    font = _font(max(6, size))
    draw = ImageDraw.Draw(Pillow.new("L", (1, 1)))
    left, top, right, bottom = (
        int(v) for v in draw.textbbox((0, 0), text, font=font, anchor=anchor, stroke_width=halo)
    )
    left, top, right, bottom = left - 1, top - 1, right + 1, bottom + 1
    x, y = round(place[0]), round(place[1])
    height, width = canvas.shape[:2]
    x0, y0, x1, y1 = max(x + left, 0), max(y + top, 0), min(x + right, width), min(y + bottom, height)
    if x0 >= x1 or y0 >= y1:
        return
    region = canvas[y0:y1, x0:x1]
    for thick, ink in ((halo, _DARK), (0, colour)) if halo else ((0, colour),):
        mask = Pillow.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font, anchor=anchor, stroke_width=thick)
        share = np.asarray(mask, np.float32)[y0 - y - top : y1 - y - top, x0 - x - left : x1 - x - left, None] / 255
        region[:] = np.rint(region * (1 - share) + np.array(ink, np.float32) * share).astype(np.uint8)
