"""Boxes that a face detector cannot but fail in: what a plausibility verdict must tell from good fits.

- shifted: the tight box moved by 35 to 70 % of its side
- rotated: the picture turned about the box's centre by 60 to 300 degrees, the box as large as before
- empty: a box of the size of faces in a whole picture, away from every labelled face
- no face: boxes in pictures of cars, wings, a mouse's arena and patterns

Every draw comes from a seed. The truth is NaN where there is no face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cairn
from cairn.dataset import Dataset
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.images import Image

__all__ = ["Cases", "empty", "hidden", "no_face", "rotated", "shifted", "tight"]


@dataclass(frozen=True, eq=False)
class Cases:
    """N pictures with one box (N, 4) each, and the truth (N, K, 2) px, NaN where there is none."""

    name: str
    images: list[Image]
    boxes: np.ndarray
    truth: np.ndarray

    def predict(self, model: cairn.Model) -> cairn.Landmarks:
        """One row for each case."""
        return model.predict(self.images, list(self.boxes[:, None]))


def tight(faces: Dataset) -> Cases:
    """The faces in their own boxes; the data has one face a picture."""
    return Cases("tight", list(faces.images), faces.landmarks.boxes, faces.landmarks.points)


def shifted(faces: Dataset, seed: int) -> Cases:
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([box_geometry.shift(b[None], rng.uniform(0.35, 0.7), rng) for b in faces.landmarks.boxes])
    return Cases("shifted", list(faces.images), boxes, faces.landmarks.points)


def rotated(faces: Dataset, seed: int) -> Cases:
    import cv2

    rng = np.random.default_rng(seed)
    images, truth = [], []
    for image, box, points in zip(faces.images, faces.landmarks.boxes, faces.landmarks.points, strict=True):
        turn = transforms.rotation_about(box_geometry.centre(box), np.radians(rng.uniform(60, 300)))
        pixels = image.rgb()
        images.append(Image(cv2.warpAffine(pixels, turn, pixels.shape[1::-1])))
        truth.append(transforms.apply(turn, points))
    return Cases("rotated", images, faces.landmarks.boxes, np.array(truth))


def empty(whole: Dataset, seed: int, tries: int = 50) -> Cases:
    """`whole`: whole pictures with all labelled faces; a picture without room gives no case."""
    rng = np.random.default_rng(seed)
    images, boxes = [], []
    for i, image in enumerate(whole.images):
        taken = box_geometry.expand(whole.landmarks.boxes[whole.landmarks.image_index == i], 1.2)
        size = np.array(image.size, float)
        for _ in range(tries):
            side = rng.uniform(0.15, 0.5) * size.max()
            corner = rng.uniform(-0.1 * side, np.maximum(size - 0.9 * side, 1))
            box = np.concatenate([corner, corner + side])
            if not box_geometry.iou(box[None], taken).any():
                images.append(image)
                boxes.append(box)
                break
    return Cases("empty", images, np.array(boxes), np.full((len(boxes), len(whole.skeleton), 2), np.nan))


def no_face(data: Path, k: int, seed: int, half: int) -> Cases:
    """One box in every second picture of wheels5, wings12 and openfield4 (`half` 0 or 1), and 40 patterns."""
    rng = np.random.default_rng(seed)
    pictures: list[Image] = []
    for name, step in (("wheels5", 2), ("wings12", 2), ("openfield4", 8)):
        pictures += list(cairn.read(data / name).images)[half * step // 2 :: step]
    pictures += [_pattern(rng) for _ in range(40)]
    boxes = []
    for image in pictures:
        size = np.array(image.size, float)
        side = rng.uniform(0.25, 0.9) * size.min()
        corner = rng.uniform(0, size - side)
        boxes.append(np.concatenate([corner, corner + side]))
    return Cases("no face", pictures, np.array(boxes), np.full((len(boxes), k, 2), np.nan))


def _pattern(rng: np.random.Generator) -> Image:
    """Noise that is smooth at a random scale."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.normal(size=(160, 160, 3)), (rng.uniform(0, 12),) * 2 + (0,))
    noise = (noise - noise.min()) / np.ptp(noise)
    return Image((255 * noise).astype(np.uint8))


def hidden(faces: Dataset, points: tuple[int, ...], seed: int) -> Cases:
    """The pixels about some of the points covered by a patch of one random colour with noise."""
    rng = np.random.default_rng(seed)
    images = []
    for image, truth in zip(faces.images, faces.landmarks.points, strict=True):
        part = box_geometry.around(truth[None, list(points)])[0]
        margin = 0.06 * np.linalg.norm(np.ptp(truth, axis=0))
        pixels = image.rgb().copy()
        x0, y0 = np.maximum(np.floor(part[:2] - margin), 0).astype(int)
        x1, y1 = np.ceil(part[2:] + margin).astype(int)
        patch = pixels[y0:y1, x0:x1]
        noise = rng.uniform(0, 255, 3) + rng.normal(0, 12, patch.shape)
        patch[:] = np.clip(noise, 0, 255).astype(np.uint8)
        images.append(Image(pixels))
    return Cases("hidden", images, faces.landmarks.boxes, faces.landmarks.points)
