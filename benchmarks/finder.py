"""The finder: recall on the test faces, false boxes on pictures without a face, wheels, and time; dlib's HOG beside it.

    python benchmarks/finder.py [--model NAME_OR_PATH] [--part faces|empty|wheels|all] [--minutes 4]

Writes benchmarks/results/finder.json and finder.md. A part that is not run keeps its figures of the last time. Needs
../shared/data (or CAIRN_DATA) and dlib (`pip install dlib-bin`). Each run of the parts `faces` and `empty` is one
reading of the test pictures and is counted. `wheels` trains five finders, `--minutes` each, on four fifths of the
pictures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from figures import DATA, RESULTS, Figure, figure, machine, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.detectors.contract import Finder, Run
from cairn.geometry import boxes as box_geometry
from cairn.images import Image, ImageList, find_images, read_image
from cairn.metrics import detection
from cairn.metrics.bootstrap import interval

EDGES = (32, 64)  # px, square root of the tight box's area
FOLDS = 5

# pictures of skimage.data that come with the package and show no person
NO_PERSON = (
    *("brick", "cell", "chelsea", "chessboard_GRAY", "chessboard_RGB", "clock_motion", "coffee", "coins", "color"),
    *("grass", "gravel", "horse", "hubble_deep_field", "ihc", "logo", "microaneurysms", "moon", "motorcycle_left"),
    *("page", "phantom", "retina", "rocket", "text"),
)

Find = Callable[[Image], np.ndarray]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--model", default="face68")
    ask.add_argument("--part", choices=("faces", "empty", "wheels", "all"), default="all")
    ask.add_argument("--minutes", type=float, default=4)
    given = ask.parse_args()
    parts: dict[str, Any] = {}
    if given.part != "wheels":
        model = cairn.load(given.model)
        finders = {"cairn": of_finder(model.finder), **hogs()}
    if given.part in ("faces", "all"):
        parts["faces"] = [row for name, find in finders.items() for row in face_rows(name, find)]
    if given.part in ("empty", "all"):
        parts["empty"] = [row for name, find in finders.items() for row in empty_rows(name, find)]
    if given.part in ("wheels", "all"):
        parts["wheels"] = wheel_rows(given.minutes)
    write(parts, given.model)


def of_finder(finder: Finder) -> Find:
    return lambda image: finder.predict([image])[0][0]


def hogs() -> dict[str, Find]:
    """dlib's frontal face detector on the picture as it is, and enlarged twice ("upsampled once")."""
    detector = dlib.get_frontal_face_detector()

    def find(image: Image, upsample: int) -> np.ndarray:
        found = detector(np.ascontiguousarray(image.rgb()), upsample)
        return np.array([[r.left(), r.top(), r.right(), r.bottom()] for r in found], float).reshape(-1, 4)

    return {
        "dlib HOG": lambda image: find(image, 0),
        "dlib HOG, upsampled once": lambda image: find(image, 1),
    }


def face_rows(name: str, find: Find) -> list[Figure]:
    """Recall on the 554 test faces at an overlap of 0.5, by size, and time a picture."""
    test = cairn.read(DATA / "facepictures" / "points.json").of_split("test")
    images = list(test.images)
    found, seconds = timed(find, images)
    hit, overlap = hits(found, test)
    low, high = (100 * v for v in interval(hit.astype(float), test.landmarks.image_index, seed=0))
    rows = [
        figure(name, "faces: recall at IoU 0.5", "%", 100 * hit.mean(), low, high, n=len(hit)),
        *by_size(name, "faces", hit, test),
        figure(name, "faces: mean IoU of those found", "", overlap[hit].mean(), n=int(hit.sum())),
        figure(name, "faces: time a picture, median", "ms", 1000 * float(np.median(seconds)), n=len(images)),
    ]
    small = resized(test, 0.25)  # the test pictures hold hardly a small face as they are
    rows += by_size(name, "pictures of a quarter the size", hits(timed(find, list(small.images))[0], small)[0], small)
    _, seconds = timed(find, [enlarged(image, 640) for image in images[:60]])
    rows.append(figure(name, "time a picture of 640 px, median", "ms", 1000 * float(np.median(seconds)), n=60))
    return rows


def timed(find: Find, images: list[Image]) -> tuple[list[np.ndarray], list[float]]:
    """The boxes in each picture, and the seconds that each took."""
    find(images[0])
    found, seconds = [], []
    for image in images:
        start = time.perf_counter()
        found.append(find(image))
        seconds.append(time.perf_counter() - start)
    return found, seconds


def by_size(name: str, what: str, hit: np.ndarray, data: Dataset) -> list[Figure]:
    """Recall of faces of each size that there is."""
    size = np.sqrt(np.prod(box_geometry.sides(data.landmarks.boxes), axis=1))
    shares, counts = detection.recall_by_size(hit, size, EDGES)
    names = ("< 32 px", "32-64 px", ">= 64 px")
    return [
        figure(name, f"{what}: recall, {r}", "%", 100 * share, n=int(count))
        for r, share, count in zip(names, shares, counts, strict=True)
        if count
    ]


def resized(data: Dataset, zoom: float) -> Dataset:
    """The same pictures, smaller, and their boxes."""
    import cv2

    images = []
    for image in data.images:
        shape = tuple(round(s * zoom) for s in image.size)
        images.append(Image(cv2.resize(image.rgb(), shape, interpolation=cv2.INTER_AREA)))
    labels = replace(data.landmarks, boxes=(data.landmarks.boxes + 0.5) * zoom - 0.5)
    return replace(data, images=ImageList(images), landmarks=labels)


def hits(found: list[np.ndarray], data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """(N,) whether each row's box was found, and (N,) the best overlap that any box has with it."""
    overlaps = [box_geometry.iou(b, t) for b, t in zip(found, data.boxes, strict=True)]
    scores = [-np.arange(len(b), dtype=float) for b in found]
    taken = detection.found(overlaps, scores, 0.5)
    hit, best = np.zeros(len(data), bool), np.zeros(len(data))
    for i, (by, overlap) in enumerate(zip(taken, overlaps, strict=True)):
        rows = np.flatnonzero(data.landmarks.image_index == i)
        hit[rows] = by >= 0
        best[rows] = overlap.max(axis=0, initial=0)
    return hit, best


def empty_rows(name: str, find: Find) -> list[Figure]:
    """Boxes in pictures that show no face: every one is false."""
    rows, total, pictures = [], 0, 0
    for source, images in without_face().items():
        counts = [len(find(image)) for image in images]
        rows.append(figure(name, f"no face: false boxes, {source}", "boxes", float(sum(counts)), n=len(counts)))
        total, pictures = total + sum(counts), pictures + len(counts)
    rows.append(figure(name, "no face: false boxes in 100 pictures, all", "boxes", 100 * total / pictures, n=pictures))
    return rows


def without_face() -> dict[str, Iterable[Image]]:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    skimage_data = [read_image(next(folder.glob(f"{name}.*"))) for name in NO_PERSON]
    car = sorted((DATA / "tracking" / "Car4" / "img").glob("*.jpg"))[::20]
    return {
        "skimage.data without persons": skimage_data,
        "wings12": find_images(DATA / "wings12" / "images"),
        "cephalo19": find_images(DATA / "cephalo19" / "images"),
        "wheels5": find_images(DATA / "wheels5" / "images"),
        "OTB Car4, every 20th frame": [read_image(path) for path in car],
    }


def wheel_rows(minutes: float) -> list[Figure]:
    """Five finders, each trained on four fifths of the pictures (a tenth of them for its threshold)."""
    from cairn.neural.finder import CenterNet

    wheels = cairn.read(DATA / "wheels5" / "wheels.json")
    order = np.random.default_rng(0).permutation(len(wheels.images))
    found: list[np.ndarray] = [np.empty((0, 4))] * len(wheels.images)
    seconds, thresholds = [], []
    for fold in range(FOLDS):
        held = np.sort(order[fold::FOLDS])
        rest = wheels.take_images(np.setdiff1d(order, held))
        learn, check = rest.split_off(0.1, seed=fold)
        net = CenterNet().fit(learn, validation=check, run=Run(seed=fold, minutes=minutes, quiet=False))
        seconds.append(net.fitted_.seconds)
        thresholds.append(net.runner_.threshold)
        for i, (boxes, _) in zip(held, net.predict(list(wheels.images.take(held))), strict=True):
            found[i] = boxes
    hit, overlap = hits(found, wheels)
    false = np.array([len(f) for f in found]) - np.bincount(
        wheels.landmarks.image_index, weights=hit, minlength=len(found)
    )
    low, high = (100 * v for v in interval(hit.astype(float), wheels.landmarks.image_index, seed=0))
    span = interval(false, seed=0)
    note = f"{FOLDS} folds by picture; {np.mean(seconds) / 60:.1f} min training a fold; thresholds {thresholds}"
    return [
        figure("cairn", "wheels: recall at IoU 0.5", "%", 100 * hit.mean(), low, high, n=len(hit), note=note),
        figure("cairn", "wheels: false boxes a picture", "boxes", float(false.mean()), *span, n=len(found)),
        figure("cairn", "wheels: mean IoU of those found", "", float(overlap[hit].mean()), n=int(hit.sum())),
    ]


def enlarged(image: Image, longest: int) -> Image:
    import cv2

    zoom = longest / max(image.size)
    shape = tuple(round(s * zoom) for s in image.size)
    return replace(image, pixels=cv2.resize(image.rgb(), shape, interpolation=cv2.INTER_LINEAR))


def write(parts: dict[str, Any], model: str) -> None:
    """JSON for programs, Markdown for people; readings of the test pictures are counted on."""
    target = RESULTS / "finder.json"
    data = json.loads(target.read_text()) if target.exists() else {"parts": {}}
    for part, rows in parts.items():
        readings = data["parts"].get(part, {}).get("readings", 0) + 1
        which = "" if part == "wheels" else f" --model {Path(model).name}"
        command = f"python benchmarks/finder.py --part {part}{which}"
        about = {"command": command, "date": date.today().isoformat(), "readings": readings, "machine": machine()}
        data["parts"][part] = {**about, "figures": plain(rows)}
    RESULTS.mkdir(exist_ok=True)
    target.write_text(json.dumps(data, indent=1) + "\n")
    lines = ["Faces: split `test` of facepictures, 554 faces of 300-W common; 95 % bootstrap intervals over pictures."]
    for part, kept in data["parts"].items():
        lines += ["", f"## {part}", "", f"`{kept['command']}`, {kept['date']}, reading {kept['readings']};"]
        lines += [kept["machine"], "", *table(kept["figures"], "finder")]
        lines += [f"\n{row['what']}: {row['note']}" for row in kept["figures"] if "note" in row]
    (RESULTS / "finder.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
