"""Changes to a picture that leave its landmarks what they are: place, light, blur, noise, things in front.

Every function draws from the generator that it is given, and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cairn.geometry import transforms

__all__ = ["Augmentation", "change_pixels", "random_map"]


@dataclass(frozen=True)
class Augmentation:
    """How strongly training pictures are changed.

    Parameters
    ----------
    shift : standard deviation of the box's place, in longer sides of the box
    zoom : standard deviation of the logarithm of the box's size
    turn : standard deviation of the angle, degrees
    light : standard deviation of log contrast, and of brightness in units of 1/4 of the full range
    grey : share of pictures without colour
    blur : share of pictures that are blurred
    noise : share of pictures with noise
    cover : share of pictures with a patch in front
    """

    shift: float = 0.05
    zoom: float = 0.07
    turn: float = 15.0
    light: float = 0.25
    grey: float = 0.1
    blur: float = 0.15
    noise: float = 0.1
    cover: float = 0.3


def random_map(how: Augmentation, size: int, scale: float, rng: np.random.Generator) -> np.ndarray:
    """A (2, 3) map within a square of `size` px that holds a box `scale` times smaller: moved, turned, scaled."""
    middle = np.full(2, (size - 1) / 2)
    angle = np.deg2rad(how.turn) * np.clip(rng.normal(), -3, 3)
    zoom = np.exp(how.zoom * np.clip(rng.normal(), -3, 3))
    matrix = transforms.rotation_about(middle, angle, zoom)
    matrix[:, 2] += how.shift * size / scale * np.clip(rng.normal(size=2), -3, 3)
    return matrix


def change_pixels(pixels: np.ndarray, how: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Another light, blur, noise and patches; (H, W, 3) uint8 in and out, the input left alone."""
    import cv2

    draws = rng.random(4)
    if draws[0] < how.grey:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    pixels = cv2.LUT(pixels, _tone_curves(how.light, rng))
    if draws[1] < how.blur:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 0.016 * pixels.shape[0]))
    if draws[2] < how.noise:
        noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(rng.uniform(2, 12))
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if draws[3] < how.cover:
        _cover(pixels, rng)
    return pixels


def _tone_curves(strength: float, rng: np.random.Generator) -> np.ndarray:
    """(1, 256, 3) uint8 look-up table: contrast, brightness, gamma, and a little of a colour cast."""
    x = np.linspace(0, 1, 256)[:, None] ** np.exp(strength * rng.normal())
    gain = np.exp(strength * rng.normal() + 0.3 * strength * rng.normal(size=3))
    y = (x - 0.5) * gain + 0.5 + strength / 4 * rng.normal()
    return (np.clip(y, 0, 1) * 255).round().astype(np.uint8)[None]


def _cover(pixels: np.ndarray, rng: np.random.Generator) -> None:
    """A rectangle of one colour, of noise or of another place in the picture, in place of what was there."""
    height, width = pixels.shape[:2]
    h, w = (int(s * rng.uniform(0.08, 0.4)) + 1 for s in (height, width))
    y, x = rng.integers(-h // 2, height - h // 2), rng.integers(-w // 2, width - w // 2)
    y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + h, height), min(x + w, width)
    patch = pixels[y0:y1, x0:x1]
    kind = rng.integers(3)
    if kind == 0:
        patch[:] = rng.integers(0, 256, 3)
    elif kind == 1:
        patch[:] = rng.integers(0, 256, patch.shape)
    else:
        v, u = rng.integers(0, height - (y1 - y0) + 1), rng.integers(0, width - (x1 - x0) + 1)
        patch[:] = pixels[v : v + y1 - y0, u : u + x1 - x0].copy()
