"""Frames of a video, in any order, each the same picture whenever it is asked for. `cairn.images` is the door to it.

A frame is known by its number in the order of showing. Files are opened by OpenCV's FFmpeg, which also turns the
pictures of a telephone the right way up. The head of a file only estimates how many frames there are, and seeking is
inexact in some files, so the packets are counted once, with their time stamps and without decoding them (a few hundred
thousand a second), and what was sought is believed only where its time stamp is the one of its number.
"""

from __future__ import annotations

import os
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cairn.errors import InputError

__all__ = ["VideoHead", "read_frame", "scan"]

_NEAR = 48  # frames: to decode on is cheaper than to go back to a key frame
_MAX_OPEN = 2  # videos


@dataclass(frozen=True, eq=False)
class VideoHead:
    """Size in px, and when each frame is shown.

    Parameters
    ----------
    width, height : px
    times : (frames,) float64 ms, increasing; NaN where the file has no usable time stamps
    """

    width: int
    height: int
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.times)


def scan(path: Path) -> VideoHead:
    """Size, and number and times of the frames; remembered until the file changes.

    Raises
    ------
    InputError : not a video, or without frames
    """
    stat = os.stat(path)
    return _scan(path, stat.st_mtime_ns, stat.st_size)


def read_frame(path: Path, frame: int) -> np.ndarray:
    """One frame; those asked for in order cost one decoding each.

    Returns
    -------
    (H, W, 3) uint8, R G B

    Raises
    ------
    InputError : no such frame, or it cannot be decoded
    """
    head = scan(path)
    if not 0 <= frame < len(head):
        raise InputError(f"{path}: there is no frame {frame}; the video has frames 0 to {len(head) - 1}")
    stat = os.stat(path)
    key = (os.getpid(), str(path), stat.st_mtime_ns, stat.st_size)  # a forked process must open its own
    with _lock:
        reader = _open_readers.pop(key, None) or _Reader(path, head.times)
        try:
            pixels = reader.read(frame)
        except InputError:
            reader.capture.release()
            raise
        if frame + 1 < len(head):
            _open_readers[key] = reader
        else:
            reader.capture.release()  # read to the end: let the file go
        while len(_open_readers) > _MAX_OPEN:
            _open_readers.pop(next(iter(_open_readers))).capture.release()
    return pixels


class _Reader:
    """One open video, and how far it has been read."""

    def __init__(self, path: Path, times: np.ndarray):
        self.path, self.times, self.next = path, times, 0
        self.capture = _open(path)

    def read(self, frame: int) -> np.ndarray:
        import cv2

        if not self.next <= frame <= self.next + _NEAR:
            self._seek(frame)
        while self.next < frame and self.capture.grab():
            self.next += 1
        pixels = self.capture.read()[1] if self.next == frame else None
        if pixels is None:
            raise InputError(f"{self.path}: frame {frame} cannot be decoded; the video is damaged or cut short")
        self.next += 1
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _seek(self, frame: int) -> None:
        """Stands before `frame` or, where that cannot be proven, before the first."""
        import cv2

        if frame > 0 and self.capture.set(cv2.CAP_PROP_POS_FRAMES, frame - 1) and self.capture.grab():
            gap = np.diff(self.times[max(frame - 2, 0) : frame + 1]).min()
            if abs(self.capture.get(cv2.CAP_PROP_POS_MSEC) - self.times[frame - 1]) < 0.4 * gap:
                self.next = frame
                return
        self.capture.release()
        self.capture, self.next = _open(self.path), 0


_lock = threading.Lock()
_open_readers: dict[tuple[int, str, int, int], _Reader] = {}  # the last used at the end


def _open(path: Path) -> Any:
    import cv2

    os.environ.setdefault(
        "OPENCV_FFMPEG_LOGLEVEL", "-8"
    )  # remarks of FFmpeg, and below of OpenCV; ours is the one sentence
    loudness = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(loudness)
    if not capture.isOpened():
        raise InputError(f"{path}: not a video that can be read, or cut short; expected MP4, AVI, MOV, MKV or WebM")
    return capture


@lru_cache(maxsize=64)
def _scan(path: Path, modified: int, size: int) -> VideoHead:
    import cv2

    capture = _open(path)
    width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    capture.set(cv2.CAP_PROP_FORMAT, -1)  # raw packets; an OpenCV that cannot do this decodes, which is only slower
    times = []
    while capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    capture.release()
    if not times:
        raise InputError(f"{path}: the video holds no frames; it is damaged or cut short")
    if size < (whole := _riff_size(path)):
        times = times[:-1] or times  # the last packet is the one that was cut
        warnings.warn(
            f"{path}: cut short ({size} of {whole} bytes are there); only its first {len(times)} frames are read",
            stacklevel=4,
        )
    shown = np.sort(np.array(times))  # packets come in the order of decoding
    return VideoHead(width, height, shown if (np.diff(shown) > 0).all() else np.full(len(shown), np.nan))


def _riff_size(path: Path) -> int:
    """Bytes that the head of an AVI file promises; 0 for other kinds, which OpenCV refuses without their end."""
    with open(path, "rb") as file:
        head = file.read(12)
    return int.from_bytes(head[4:8], "little") + 8 if head[:4] == b"RIFF" and head[8:] == b"AVI " else 0
