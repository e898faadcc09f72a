"""Train the face finder that is shipped, on the training pictures of shared/data/facepictures.

    python scripts/train_finder.py OUT.cairn [--minutes 40] [--seed 0] [--folder CHECKPOINTS]

OUT holds the finder and, so that it is a model like any other, the mean shape as its detector.

What is learnt from: the labelled faces of the train split. What is left out of the loss: what dlib's HOG detector
(Dalal & Triggs 2005; King 2009) takes for a face and nobody labelled. Pictures that show what is no face: people of
pose14's train split, whose heads are left out of the loss; frames of openfield4 and of BADJA's camel; slices and
projections of headct24's training volumes; patterns that are drawn here. A tenth of all of them is the validation slice
on which the threshold is chosen. The test split is not read. Needs dlib (`pip install dlib-bin`) and nibabel.
"""

from __future__ import annotations

import argparse
import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Run
from cairn.detectors.mean_shape import MeanShape
from cairn.formats import coco
from cairn.geometry import boxes
from cairn.images import Image, ImageList, read_image
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.neural.finder import CenterNet
from cairn.skeleton import Skeleton

DATA = Path(os.environ.get("CAIRN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
PATTERNS = 500
PEOPLE = 1500
SLICE = 0.1  # of the training pictures: validation


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("out", type=Path)
    ask.add_argument("--minutes", type=float, default=40)
    ask.add_argument("--steps", type=int)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--folder", type=Path)
    given = ask.parse_args()
    faces = coco.read(DATA / "facepictures" / "points.json").of_split("train")
    nothing = [*radiographs(given.seed), *frames(), *patterns(given.seed)]
    others = joined(people(faces.skeleton), Dataset(ImageList(nothing), Landmarks.empty(faces.skeleton)))
    order = np.random.default_rng(given.seed).permutation(len(others.images))
    held = round(SLICE * len(order))
    learn, check = (
        with_unlabelled_faces(joined(of_faces, others.take_images(np.sort(of_others))))
        for of_faces, of_others in zip(
            faces.split_off(SLICE, seed=given.seed), (order[held:], order[:held]), strict=True
        )
    )
    net = CenterNet()
    net.fit(
        learn,
        validation=check,
        run=Run(seed=given.seed, minutes=given.minutes, steps=given.steps, folder=given.folder, quiet=False),
    )
    fitted = net.fitted_
    card = {
        "purpose": "finds faces; the detector is only their mean shape",
        "trained_on": "facepictures, train split",
        "data_hash": faces.content_hash(),
        "validation": f"{100 * SLICE:.0f} % of the training pictures, seed {given.seed}",
        "training": {
            "steps": fitted.steps,
            "seconds": round(fitted.seconds),
            "device": fitted.device,
            "seed": given.seed,
        },
        "settings": net.settings(),
        "licence": {"data": "300-W annotations: research, non-commercial"},
    }
    detector = MeanShape().fit(faces)
    Model(detector, faces.skeleton, finder=net.runner_, card=card).save(given.out)
    print(f"{given.out}: {fitted.steps} steps, {fitted.seconds / 60:.1f} min, threshold {net.runner_.threshold}")


def with_unlabelled_faces(data: Dataset) -> Dataset:
    """`data`, and a region to leave out for each face that HOG sees and that no label covers.

    The picture is widened by a quarter on each side, so that faces cut by its edge are seen as well.
    """
    import dlib

    hog = dlib.get_frontal_face_detector()
    found, index = [], []
    for i in np.unique(data.landmarks.image_index):
        pixels = data.images[int(i)].rgb()
        border = max(pixels.shape) // 4
        wide = np.pad(pixels, ((border, border), (border, border), (0, 0)), mode="edge")
        for r in hog.run(wide, 1, -0.2)[0]:
            box = np.array([[r.left(), r.top(), r.right(), r.bottom()]], float) - border
            if boxes.iou(box, data.boxes[i]).max(initial=0) < 0.2:
                found.append(boxes.expand(box, 1.2)[0])
                index.append(i)
    labelled = int(data.landmarks.labelled.any(axis=1).sum())
    print(f"{len(data.images)} pictures, {labelled} labelled faces, {len(index)} others that HOG sees are left out")
    ignored = regions(data.skeleton, np.array(found), np.array(index))
    return replace(data, landmarks=Landmarks.concatenate([data.landmarks, ignored]))


def regions(skeleton: Skeleton, where: np.ndarray, index: np.ndarray) -> Landmarks:
    """Rows with a box and without a point: the finder learns nothing there."""
    shape = (len(index), len(skeleton))
    points, nowhere = np.full((*shape, 2), np.nan), np.zeros(shape, np.uint8)
    return Landmarks(skeleton, points, where.reshape(-1, 4), index.astype(np.int64), visibility=nowhere)


def joined(a: Dataset, b: Dataset) -> Dataset:
    """The pictures and the rows of both."""
    later = b.landmarks.with_image_index(b.landmarks.image_index + len(a.images))
    both = Landmarks.concatenate([a.landmarks, later]) if len(later) else a.landmarks
    return Dataset(ImageList([*a.images.sources, *b.images.sources]), both)


def people(skeleton: Skeleton) -> Dataset:
    """Some pictures of pose14, with the region about the head, from the neck to its top, to be left out."""
    pose = coco.read(DATA / "pose14" / "train.json")
    neck, top = (pose.landmarks.points[:, pose.skeleton.index(name)] for name in ("neck", "head_top"))
    length = np.linalg.norm(neck - top, axis=1, keepdims=True)
    head = np.concatenate([(neck + top) / 2 - length, (neck + top) / 2 + length], axis=1)
    known = boxes.is_valid(head)
    heads = regions(skeleton, head[known], pose.landmarks.image_index[known])
    chosen = np.unique(heads.image_index)[:: len(pose.images) // PEOPLE]
    return Dataset(pose.images, heads).take_images(chosen)


def radiographs(seed: int) -> list[Image]:
    """Slices of the training heads, and projections of them, turned a little: what an X-ray of a head looks like."""
    import cv2
    import nibabel
    from scipy import ndimage

    rng = np.random.default_rng([seed, 4])
    folder = DATA / "headct24"
    with open(folder / "landmarks.csv", newline="") as f:
        names = [row["volume"] for row in csv.DictReader(f) if row["split"] == "train"]
    pictures = []
    for name in names:
        volume = np.asarray(nibabel.load(folder / "volumes" / name).dataobj).astype(np.float32) / 255
        for axis in range(3):
            flats = [volume.max(axis), volume.take(volume.shape[axis] // 2, axis)]
            for _ in range(6 if axis == 0 else 2):  # from the side, as they are taken most
                turned = ndimage.rotate(volume, rng.uniform(-12, 12), (0, 1), reshape=False, order=1)
                through = (np.clip(turned, 0, 1) ** rng.uniform(0.7, 2.5)).mean(axis)
                flats.append(1 - np.exp(-through * rng.uniform(2, 10)))  # Beer and Lambert
            for flat in flats:
                grey = np.rot90(255 * flat / max(flat.max(), 1e-6)).astype(np.uint8)
                grey = cv2.resize(grey, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
                if rng.random() < 0.5:
                    grey = cv2.createCLAHE(rng.uniform(1, 6), (8, 8)).apply(grey)
                pictures.append(Image(np.repeat(grey[..., None], 3, axis=2)))
    return pictures


def frames() -> list[Image]:
    """Some frames of a mouse in an arena and of a camel."""
    mouse = sorted((DATA / "openfield4" / "labeled-data" / "m4s1").glob("*.png"))[::4]
    camel = sorted((DATA / "tracking" / "badja" / "camel").glob("*.jpg"))[::6]
    return [read_image(path) for path in [*mouse, *camel]]


def patterns(seed: int) -> list[Image]:
    """Drawn pictures: clouds, stripes, tiles, stones, rings with spokes, discs, stars, marks, heaps of shapes."""
    rng = np.random.default_rng([seed, 3])
    kinds = (_clouds, _stripes, _tiles, _stones, _stones, _rings, _discs, _stars, _marks, _heap)
    return [Image(kinds[i % len(kinds)](rng)) for i in range(PATTERNS)]


def _coloured(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W) in [0, 1] between two colours, or between two greys."""
    a, b = rng.uniform(0, 255, (2, 3 if rng.random() < 0.6 else 1))
    return (a + (b - a) * np.repeat(grey[..., None], 3, axis=2)).astype(np.uint8)


def _clouds(rng: np.random.Generator) -> np.ndarray:
    import cv2

    grey = np.zeros((300, 352), np.float32)
    for octave in range(2, 8):
        layer = rng.random((2**octave, 2**octave)).astype(np.float32)
        grey += cv2.resize(layer, (352, 300), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.3, 0.8) ** octave
    return _coloured((grey - grey.min()) / np.ptp(grey), rng)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:300, :352]
    angle, bend = rng.uniform(0, np.pi), rng.uniform(0, 40)
    phase = (x * np.cos(angle) + y * np.sin(angle) + bend * np.sin(x / 40)) / rng.uniform(2, 15)
    return _coloured((np.sin(phase) + 1) / 2, rng)


def _tiles(rng: np.random.Generator) -> np.ndarray:
    side = int(rng.integers(6, 50))
    values = rng.random((300 // side + 2, 352 // side + 2))
    grey = np.kron(values, np.ones((side, side)))[:300, :352]
    grey[::side] = grey[:, ::side] = rng.random()
    return _coloured(grey, rng)


def _rings(rng: np.random.Generator) -> np.ndarray:
    import cv2

    picture = _clouds(rng)
    for _ in range(rng.integers(1, 5)):
        centre = tuple(int(v) for v in rng.integers(40, 300, 2))
        radius = int(rng.integers(10, 120))
        for r in sorted((radius * rng.random(rng.integers(2, 7))).astype(int), reverse=True):
            width = int(rng.choice([-1, 2, 4]))
            cv2.circle(picture, centre, int(r) + 1, rng.integers(0, 256, 3).tolist(), width, cv2.LINE_AA)
        for angle in np.linspace(0, 2 * np.pi, rng.integers(3, 12), endpoint=False):
            end = (int(centre[0] + radius * np.cos(angle)), int(centre[1] + radius * np.sin(angle)))
            cv2.line(picture, centre, end, rng.integers(0, 256, 3).tolist(), int(rng.integers(1, 8)), cv2.LINE_AA)
    return picture


def _stones(rng: np.random.Generator) -> np.ndarray:
    """Cells about random seeds, each with its own grey, dark between them, lit from one side, with grain."""
    import cv2
    from scipy.spatial import cKDTree

    seeds = rng.uniform((0, 0), (300, 352), (int(rng.integers(60, 3000)), 2))
    y, x = np.mgrid[:300, :352]
    near, which = cKDTree(seeds).query(np.stack([y, x], -1), k=2)
    depth = np.clip((near[..., 1] - near[..., 0]) / rng.uniform(2, 8), 0, 1)
    side = (np.stack([y, x], -1) - seeds[which[..., 0]]) @ rng.normal(size=2) / (1 + near.mean())
    grey = rng.random(len(seeds))[which[..., 0]] * rng.uniform(0.2, 1) + rng.uniform(0, 0.2) * side
    grey = cv2.GaussianBlur(depth * (grey + rng.uniform(0, 0.3, grey.shape)), (0, 0), rng.uniform(0.4, 1.5))
    return _coloured(np.clip((grey - grey.min()) / np.ptp(grey), 0, 1), rng)


def _discs(rng: np.random.Generator) -> np.ndarray:
    """One large disc or several small ones, with clouds and branching lines in them."""
    import cv2

    picture = np.full((300, 352, 3), rng.integers(0, 256), np.uint8)
    inside, mask = _clouds(rng), np.zeros((300, 352), np.uint8)
    for _ in range(rng.integers(2, 12)):
        walk = rng.uniform(0, 320, 2) + np.cumsum(rng.normal(0, 9, (60, 2)) + rng.normal(0, 5, 2), axis=0)
        cv2.polylines(inside, [walk.astype(np.int32)], False, rng.integers(0, 256, 3).tolist(), 2, cv2.LINE_AA)
    if rng.random() < 0.4:
        cv2.circle(mask, (176, 150), int(rng.integers(80, 200)), 1, -1, cv2.LINE_AA)
    else:
        for _ in range(rng.integers(4, 30)):
            x, y = (int(v) for v in rng.integers((0, 0), (352, 300)))
            cv2.circle(mask, (x, y), int(rng.integers(10, 40)), 1, -1, cv2.LINE_AA)
    picture[mask > 0] = inside[mask > 0]
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 2))


def _stars(rng: np.random.Generator) -> np.ndarray:
    """Bright specks of all sizes on black."""
    import cv2

    picture = np.zeros((300, 352, 3), np.uint8)
    for _ in range(rng.integers(20, 300)):
        x, y = (int(v) for v in rng.integers((0, 0), (352, 300)))
        axes = (int(rng.exponential(2)) + 1, int(rng.exponential(2)) + 1)
        cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, rng.integers(60, 256, 3).tolist(), -1)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2))


def _marks(rng: np.random.Generator) -> np.ndarray:
    import cv2

    picture = np.full((300, 352, 3), rng.integers(150, 256), np.uint8)
    size = rng.uniform(0.3, 2)
    for y in range(10, 300, int(30 * size) + 2):
        text = "".join(rng.choice(list("abcdefghij klmnopqrs tuvwxyz ABC 0123456789.,:;%&()"), 60))
        font, colour = int(rng.integers(0, 8)), rng.integers(0, 120, 3).tolist()
        cv2.putText(picture, text, (5, y), font, size, colour, 1 + int(size), cv2.LINE_AA)
    return picture


def _heap(rng: np.random.Generator) -> np.ndarray:
    import cv2

    picture = _clouds(rng)
    for _ in range(rng.integers(10, 60)):
        colour = rng.integers(0, 256, 3).tolist()
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 3, 3), (352, 300, 70, 70)))
        kind = rng.integers(3)
        if kind == 0:
            cv2.ellipse(picture, (x, y), (w, h), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
        else:
            corners = rng.integers((x - w, y - h), (x + w, y + h), (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 2))


if __name__ == "__main__":
    main()
