"""Pictures that stand inside a label file, SLEAP's packages (``.pkg.slp``, HDF5). `cairn.images` is the door to them.

For each video such a file has a group ``video0``, ``video1``, ... with the dataset ``video`` (encoded pictures, or
pixels with four axes) and ``frame_numbers``, the places of these pictures in the video that they were taken from. All
pictures of a file are counted through here, group by group. Links that lead out of the file are not followed.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.hdf5 import opened, own_dataset

__all__ = ["contents", "read_picture"]

MAX_ENCODED = 512 * 2**20  # bytes of one encoded picture


def contents(path: str | Path) -> dict[str, np.ndarray]:
    """The groups with pictures, and of each the frame numbers of its pictures; remembered until the file changes.

    Raises
    ------
    InputError : as `opened`
    """
    stat = os.stat(path)
    return _contents(str(path), stat.st_mtime_ns, stat.st_size)


def read_picture(path: Path, place: int) -> tuple[bytes | np.ndarray, bool]:
    """One picture.

    Parameters
    ----------
    place : counts through all groups of the file, from 0

    Returns
    -------
    picture : as an encoded file, or (H, W) or (H, W, channels) pixels
    swapped : whether red and blue have changed places in it

    Raises
    ------
    InputError : no such picture
    """
    held = contents(path)
    if not 0 <= place < sum(map(len, held.values())):
        count = sum(map(len, held.values()))
        raise InputError(f"{path}: there is no picture {place}; the file holds {count}, counted from 0")
    group, rest = "", place
    for group, numbers in held.items():  # noqa: B007 - the last one is the one that has it
        if rest < len(numbers):
            break
        rest -= len(numbers)
    with opened(path) as file:
        video = own_dataset(file, f"{group}/video")
        order = _text(video.attrs.get("channel_order", "BGR"))  # files before 1.4 are OpenCV's
        if video.ndim == 4:
            if video.dtype.kind not in "uif" or np.prod(video.shape[1:]) > MAX_ENCODED:
                raise InputError(f"{path}: {group} does not hold pictures of a size that can be read")
            return video[rest], False
        if video.ndim == 2 and video.shape[1] > MAX_ENCODED:
            raise InputError(f"{path}: {group} does not hold pictures of a size that can be read")
        return np.asarray(video[rest]).astype(np.int8, copy=False).tobytes(), order == "BGR"


@lru_cache(maxsize=8)
def _contents(path: str, _time: int, _size: int) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with opened(Path(path)) as file:
        names = sorted((n for n in file if re.fullmatch(r"video\d{1,6}", n, re.ASCII)), key=lambda n: int(n[5:]))
        for name in names:
            video = own_dataset(file, f"{name}/video")
            if video is None or video.ndim not in (1, 2, 4) or not len(video):
                continue
            if len(video) > 10_000_000:
                raise InputError(f"{path}: {name} claims {len(video):,} pictures; the file is damaged")
            frames = own_dataset(file, f"{name}/frame_numbers")
            numbers = np.arange(len(video)) if frames is None or len(frames) != len(video) else frames[:]
            found[name] = np.asarray(numbers).astype(np.int64)
    return found


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
