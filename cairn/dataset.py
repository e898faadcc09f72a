"""Labelled pictures, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """M lazy images, N labelled objects in them, and what else the source says.

    Parameters
    ----------
    images : M images, read when asked for; an image may hold no object, one, or several
    landmarks : N rows; ``image_index`` points into `images`
    observers : (O, N, K, D) the same points as several people set them, NaN where one did not
    subject : (N,) str, which person or animal each row is
    split : (M,) str per image: ``train``, ``test`` or any other name, "" for none
    split_by : how the split was made, e.g. ``"manifest.csv"`` or ``"10 % of pictures, seed 0"``
    frame : (M,) int, place in time of each image
    spacing : mm per pixel, one figure for each axis, or None where it is not known
    licence : of the labels and pictures
    columns : any other (N,) columns of the source
    observer_names : O names, or none
    """

    images: ImageList
    landmarks: Landmarks
    observers: np.ndarray | None = None
    subject: np.ndarray | None = None
    split: np.ndarray | None = None
    split_by: str = ""
    frame: np.ndarray | None = None
    spacing: tuple[float, ...] | None = None
    licence: str = ""
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    observer_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        m, n = len(self.images), len(self.landmarks)
        index = self.landmarks.image_index
        if n and not (index.min() >= 0 and index.max() < m):
            wrong = index.min() if index.min() < 0 else index.max()
            raise ValueError(f"landmarks speak of image {wrong}, but there are only {m} images")
        for name, length in (("subject", n), ("split", m), ("frame", m)):
            value = getattr(self, name)
            if value is None:
                continue
            value = np.asarray(value)
            if value.shape != (length,):
                raise ValueError(f"{name} has shape {value.shape}; expected ({length},)")
            object.__setattr__(self, name, value)
        if self.observers is not None:
            observers = np.asarray(self.observers, np.float64)
            if observers.ndim != 4 or observers.shape[1:] != self.landmarks.points.shape:
                expected = ", ".join(map(str, self.landmarks.points.shape))
                raise ValueError(f"observers have shape {observers.shape}; expected (O, {expected})")
            object.__setattr__(self, "observers", observers)
        object.__setattr__(self, "columns", {k: np.asarray(v) for k, v in self.columns.items()})
        for name, column in self.columns.items():
            if len(column) != n:
                raise ValueError(f"column {name!r} has {len(column)} rows; expected {n}")

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def skeleton(self) -> Skeleton:
        return self.landmarks.skeleton

    @property
    def boxes(self) -> list[np.ndarray]:
        """For each image the (N_i, 4) boxes of its rows, in the order of the rows."""
        return [self.landmarks.boxes[self.landmarks.image_index == i] for i in range(len(self.images))]

    def in_image_order(self) -> Dataset:
        """Rows sorted by image, as `Detector.predict` gives them back."""
        order = np.argsort(self.landmarks.image_index, kind="stable")
        return self._rows(order)

    def take(self, rows: Any) -> Dataset:
        """Those rows (indices or a mask) and the images that they are in."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        used = np.unique(self.landmarks.image_index[rows])
        return self._rows(rows)._only_images(used)

    def take_images(self, images: Any) -> Dataset:
        """Those images (indices or a mask), with all their rows; images without a row stay."""
        images = np.asarray(images)
        images = np.arange(len(self.images))[images if images.dtype == bool else images.astype(np.int64)]
        rows = np.flatnonzero(np.isin(self.landmarks.image_index, images))
        return self._rows(rows)._only_images(images)

    def of_split(self, name: str) -> Dataset:
        """The images of one split, with all their rows.

        Raises
        ------
        InputError : no such split; the message lists those that there are
        """
        present = [] if self.split is None else sorted({str(s) for s in self.split} - {""})
        if name not in present:
            have = f"it has {', '.join(present)}" if present else "it has no splits"
            raise InputError(f"the data has no split {name!r}; {have}")
        assert self.split is not None
        return self.take_images(self.split == name)

    def groups(self) -> np.ndarray:
        """(N,) int64: rows that must not be parted, because they share a picture or a subject."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n, m = len(self), len(self.images)
        rows = np.arange(n)
        links = [(rows, n + self.landmarks.image_index)]
        if self.subject is not None:
            names, subject = np.unique(self.subject, return_inverse=True)
            named = names[subject] != ""
            links.append((rows[named], n + m + subject[named]))
        a, b = (np.concatenate(c) for c in zip(*links, strict=True))
        size = n + m + n
        _, label = connected_components(coo_array((np.ones(len(a), np.int8), (a, b)), shape=(size, size)), False)
        return np.unique(label[:n], return_inverse=True)[1]

    def split_off(self, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Two datasets, the second with about `fraction` of the groups (see `groups`), drawn with `seed`."""
        groups = self.groups()
        ids = np.random.default_rng(seed).permutation(groups.max() + 1 if len(groups) else 0)
        second = np.isin(groups, ids[: round(fraction * len(ids))])
        return self.take(~second), self.take(second)

    def content_hash(self) -> str:
        """SHA-256 over names, points and the image labels; pixels are not read."""
        digest = hashlib.sha256("\n".join(self.skeleton.names).encode())
        points = np.round(self.landmarks.points, 6) + 0.0  # -0 and 0 are one number, and so is every NaN
        digest.update(np.where(np.isnan(points), np.nan, points).astype("<f8").tobytes())
        digest.update(self.landmarks.image_index.astype("<i8").tobytes())
        for i in range(len(self.images)):
            name = self.images.label(i).replace("\\", "/").rsplit("/", 1)[-1]
            digest.update(name.encode("utf-8", "surrogateescape") + b"\n")
        return digest.hexdigest()

    def equals(self, other: object) -> bool:
        """Whether labels, images (their places, or pixels where they were given) and all else agree; NaN equals NaN."""
        if not isinstance(other, Dataset) or not self.landmarks.equals(other.landmarks):
            return False
        pairs = zip(self.images.sources, other.images.sources, strict=False)
        return (
            len(self.images) == len(other.images)
            and all(a.equals(b) if isinstance(a, Image) else a == b for a, b in pairs)
            and all(_same(getattr(self, f), getattr(other, f)) for f in ("observers", "subject", "split", "frame"))
            and all(getattr(self, f) == getattr(other, f) for f in ("split_by", "spacing", "licence", "observer_names"))
            and self.columns.keys() == other.columns.keys()
            and all(_same(self.columns[c], other.columns[c]) for c in self.columns)
        )

    def _rows(self, rows: np.ndarray) -> Dataset:
        return replace(
            self,
            landmarks=self.landmarks.take(rows),
            observers=None if self.observers is None else self.observers[:, rows],
            subject=None if self.subject is None else self.subject[rows],
            columns={k: v[rows] for k, v in self.columns.items()},
        )

    def _only_images(self, images: np.ndarray) -> Dataset:
        new_index = np.full(len(self.images), -1)
        new_index[images] = np.arange(len(images))
        return replace(
            self,
            images=self.images.take(images),
            landmarks=self.landmarks.with_image_index(new_index[self.landmarks.image_index]),
            split=None if self.split is None else self.split[images],
            frame=None if self.frame is None else self.frame[images],
        )


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f")
