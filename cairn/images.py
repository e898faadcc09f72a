"""The one door for pixels: pictures, volumes, video frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from cairn.errors import InputError

__all__ = ["Image", "ImageList", "Source", "read_image"]


@dataclass(frozen=True)
class Source:
    """Where an image comes from: a file, and the page (TIFF) or frame (video) in it."""

    path: str
    page: int | None = None
    frame: int | None = None

    def __str__(self) -> str:
        where = self.page if self.page is not None else self.frame
        return self.path if where is None else f"{self.path}#{where}"


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels and their place in the world.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8, uint16 or float; volumes (Z, Y, X)
    affine : (4, 4) voxel to world in mm, volumes only
    source : where it was read
    """

    pixels: np.ndarray
    affine: np.ndarray | None = None
    source: Source | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px (of a picture)."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def equals(self, other: object) -> bool:
        """Whether pixels and affine agree."""
        return (
            isinstance(other, Image)
            and self.pixels.dtype == other.pixels.dtype
            and np.array_equal(self.pixels, other.pixels)
            and (self.affine is None) == (other.affine is None)
            and (self.affine is None or np.array_equal(self.affine, other.affine))
        )


class ImageList(Sequence[Image]):
    """Images that are read when they are asked for, and not kept."""

    def __init__(self, sources: Iterable[Source | Image | str | Path]):
        self.sources: tuple[Source | Image, ...] = tuple(
            s if isinstance(s, (Source, Image)) else Source(str(s)) for s in sources
        )

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, i: int) -> Image: ...
    @overload
    def __getitem__(self, i: slice) -> ImageList: ...
    def __getitem__(self, i: int | slice) -> Image | ImageList:
        if isinstance(i, slice):
            return ImageList(self.sources[i])
        source = self.sources[i]
        return source if isinstance(source, Image) else read_image(source)

    def __iter__(self) -> Iterator[Image]:
        return (self[i] for i in range(len(self)))

    def take(self, indices: Iterable[int]) -> ImageList:
        """The images of those indices, still unread."""
        return ImageList(self.sources[int(i)] for i in indices)

    def label(self, i: int) -> str:
        """A name for messages: the file's, or ``image 3``."""
        source = self.sources[i]
        source = source.source if isinstance(source, Image) else source
        return f"image {i}" if source is None else str(source)


def read_image(source: Source | str | Path) -> Image:
    import cv2
    path = source.path if isinstance(source, Source) else str(source)
    pixels = cv2.imread(path, cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{path}: not a picture")
    return Image(pixels[..., ::-1].copy(), source=source if isinstance(source, Source) else Source(path))
