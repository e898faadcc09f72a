"""dlib's ``shape_predictor`` files (``.dat``), read and written without dlib.

What dlib's headers say (serialize.h, float_details.h, matrix.h and image_processing/shape_predictor.h), in our words:
a file is nothing but integers. Each is a control byte, whose low four bits say how many bytes follow and whose high bit
is set below zero, and then that many bytes of the absolute value, the lowest first. A real number is two of them,
mantissa and exponent: mantissa * 2^exponent, where exponents from 32000 stand for infinities and NaN; whole zero bytes
are shifted out of the mantissa. A vector is its length, then its items; a matrix its two dimensions (negative ones in
all but the oldest files, to tell two formats of old apart), then its rows. A shape predictor is::

    1                                          the version; dlib has never written or read another
    matrix 2K x 1                              the mean shape x0, y0, x1, y1, ... in units of the box
    vector of stages of vector of trees:       a tree is
        vector of (first, second, threshold)   its 2^F - 1 nodes
        vector of matrix 2K x 1                its 2^F leaves
    vector of stages of vector of integer      the point that each pixel is seen from
    vector of stages of vector of (x, y)       and where it lies from there

dlib's grammar lets trees, stages and pixels differ in number and size from stage to stage. Its trainer makes them all
alike, and only such files are read here. What follows the predictor in a file is left alone, as dlib leaves it.
"""

from __future__ import annotations

import bz2
import math
from pathlib import Path

import numba
import numpy as np

from cairn.detectors.ert.cascade import Cascade
from cairn.errors import InputError
from cairn.files import write_whole

__all__ = ["read_dlib", "write_dlib"]

LARGEST_FILE = 1024 * 2**20  # bytes, unpacked; dlib's own model of 68 points has 95 MiB
MOST_POINTS = 10_000
MOST_PIXELS = 65_535  # of a stage; indices are held in 16 bits
DEEPEST = 15

_VERSION = 1
_NOT_FINITE = 32_000  # exponents from here on are infinities and NaN

# What can be wrong with a tree, as the kernels say it.
_FINE, _ENDS, _GARBLED, _UNEVEN, _OUTSIDE, _INFINITE = range(6)


def read_dlib(path: str | Path) -> Cascade:
    """The cascade in a dlib file; one packed by bzip2, as dlib's own models come, is unpacked.

    Raises
    ------
    InputError : no such file, or none that dlib's trainer could have written
    """
    path = Path(path)
    data = _bytes(path)
    stream = _Stream(path, data)
    version = stream.integer()
    if version != _VERSION:
        raise InputError(
            f"{path}: not a dlib shape predictor (it says version {version}, and all of them have {_VERSION}); "
            "expected the .dat file that dlib.train_shape_predictor wrote"
        )
    rows, columns = (abs(stream.integer()) for _ in range(2))
    if columns != 1 or rows % 2 or not 2 <= rows <= 2 * MOST_POINTS:
        raise stream.refusal(
            f"its mean shape is a matrix of {rows} x {columns}; expected 2K x 1 for K = 1 to {MOST_POINTS} points"
        )
    mean = stream.reals(rows).reshape(-1, 2)
    stages = stream.count("stages", least=1, bytes_each=2)
    trees, nodes = stream.peek_forest()
    # The least that each item takes in the file is at least what it takes in memory, so that no claim of a size can ask
    # for more memory than the file is long.
    stream.require(stages * trees * (4 + 8 * nodes + (nodes + 1) * (4 + 4 * rows)))
    first = np.empty((stages, trees, nodes), np.uint16)
    second = np.empty_like(first)
    thresholds = np.empty(first.shape, np.float32)
    leaves = np.empty((stages, trees, nodes + 1, rows), np.float32)
    for stage in range(stages):
        stream.stage(first[stage], second[stage], thresholds[stage], leaves[stage])
    stream.same("lists of anchors", stages)
    anchors: list[np.ndarray] = []
    offsets: list[np.ndarray] = []
    for stage in range(stages):
        pixels = stream.count("pixels", least=1, bytes_each=2, most=MOST_PIXELS)
        if stage and pixels != len(anchors[0]):
            raise stream.refusal(
                f"stage {stage} looks at {pixels} pixels where the first looks at {len(anchors[0])}; cairn reads "
                "predictors whose stages are alike, as dlib's trainer makes them"
            )
        anchors.append(stream.integers(pixels, limit=rows // 2, what="point"))
    stream.same("lists of offsets", stages)
    for _ in range(stages):
        stream.same("offsets", len(anchors[0]))
        offsets.append(stream.reals(2 * len(anchors[0])).reshape(-1, 2))
    most = int(max(first.max(), second.max()))
    if most >= len(anchors[0]):
        raise InputError(f"{path}: damaged: a tree looks at pixel {most}, but a stage has {len(anchors[0])}")
    return Cascade(mean, np.stack(anchors), np.stack(offsets), first, second, thresholds, leaves)


def write_dlib(cascade: Cascade, path: str | Path) -> None:
    """Write `cascade` as dlib writes it, byte for byte; leaves that are stored small are written out in full.

    Raises
    ------
    InputError : numbers that no file should hold, or a folder that cannot be written to
    """
    path = Path(path)
    if not np.isfinite(cascade.thresholds).all():
        raise InputError(f"{path}: not written, because a threshold of the model is not a finite number")
    moves = cascade.moves()
    stages, _, leaves, rows = moves.shape
    trees, pixels = cascade.n_trees, cascade.n_pixels
    # The most that each item can take: a real number 6 bytes, an index 3, a length or dimension 9.
    tree = 18 + (leaves - 1) * 12 + leaves * (18 + 6 * rows)
    size = 64 + 6 * rows + stages * (27 + pixels * 15 + trees * tree)
    out = np.empty(size, np.uint8)
    at = _put_integer(out, 0, _VERSION)
    at = _put_integer(out, at, -rows)
    at = _put_integer(out, at, -1)
    at = _put_reals(out, at, cascade.mean.ravel())
    at = _put_forest(out, at, cascade.first, cascade.second, cascade.thresholds, moves)
    at = _put_integer(out, at, stages)
    for anchors in cascade.anchors:
        at = _put_integer(out, at, pixels)
        at = _put_integers(out, at, anchors)
    at = _put_integer(out, at, stages)
    for offsets in cascade.offsets:
        at = _put_integer(out, at, pixels)
        at = _put_reals(out, at, offsets.ravel())
    write_whole(path, out[:at].tobytes())


def _bytes(path: Path) -> np.ndarray:
    """(n,) uint8: the file, unpacked."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            packed = file.read(3) == b"BZh"
        if packed:
            with bz2.open(path) as file:
                data = file.read(LARGEST_FILE + 1)
            size = len(data)
        elif size <= LARGEST_FILE:
            data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; expected dlib's .dat file") from None
    except EOFError:
        raise InputError(f"{path}: the packed file ends in the middle; copy or download it again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size > LARGEST_FILE:
        raise InputError(f"{path}: more than {LARGEST_FILE >> 20} MiB; no shape predictor is so large")
    return np.frombuffer(data, np.uint8)


class _Stream:
    """The integers of a file, one after the other."""

    def __init__(self, path: Path, data: np.ndarray):
        self.path, self.data, self.at = path, data, 0

    def refusal(self, why: str) -> InputError:
        return InputError(f"{self.path}, byte {self.at}: {why}")

    def require(self, size: int) -> None:
        """Refuse a file that cannot hold `size` more bytes."""
        if size > len(self.data) - self.at:
            raise self.refusal(
                f"announces at least {size} more bytes, but the file ends after {len(self.data) - self.at}; it is "
                "damaged or not whole, copy or download it again"
            )

    def integer(self) -> int:
        value, at, problem = _get_integer(self.data, self.at)
        self._moved(at, problem)
        return int(value)

    def count(self, what: str, *, least: int, bytes_each: int, most: int | None = None) -> int:
        """A length, which what is left of the file can hold."""
        value = self.integer()
        if value < least or (most is not None and value > most):
            limit = "" if most is None else f" to {most}"
            raise self.refusal(f"{value} {what}; expected {least}{limit}, so the file is damaged or no shape predictor")
        self.require(value * bytes_each)
        return value

    def same(self, what: str, number: int) -> None:
        """A length that must be `number`."""
        value = self.integer()
        if value != number:
            raise self.refusal(f"{value} {what} where {number} are expected; the file is damaged")

    def integers(self, number: int, *, limit: int, what: str) -> np.ndarray:
        """(number,) uint16, each below `limit`."""
        self.require(2 * number)
        out = np.empty(number, np.uint16)
        at, problem = _get_integers(self.data, self.at, out, limit)
        self._moved(at, problem, f"a {what} that is not one of the {limit}")
        return out

    def reals(self, number: int) -> np.ndarray:
        """(number,) float32, finite."""
        self.require(4 * number)
        out = np.empty(number, np.float32)
        at, problem = _get_reals(self.data, self.at, out)
        self._moved(at, problem)
        return out

    def peek_forest(self) -> tuple[int, int]:
        """Trees of a stage and nodes of a tree, as the first of them have them."""
        start = self.at
        trees = self.count("trees in a stage", least=1, bytes_each=4)
        nodes = self.count("nodes in a tree", least=1, bytes_each=8, most=2**DEEPEST - 1)
        if nodes & (nodes + 1):
            raise self.refusal(f"{nodes} nodes in a tree; expected 2^depth - 1, so the file is damaged")
        self.at = start
        return trees, nodes

    def stage(self, first: np.ndarray, second: np.ndarray, thresholds: np.ndarray, leaves: np.ndarray) -> None:
        """Fill the arrays of one stage, (T, nodes) and (T, nodes + 1, 2K)."""
        trees = self.integer()
        if trees != len(first):
            raise self.refusal(
                f"a stage of {trees} trees where the first has {len(first)}; cairn reads predictors whose stages are "
                "alike, as dlib's trainer makes them"
            )
        at, problem = _get_trees(self.data, self.at, first, second, thresholds, leaves)
        self._moved(at, problem, f"a pixel that is not one of {MOST_PIXELS}")

    def _moved(self, at: int, problem: int, outside: str = "") -> None:
        self.at = int(at)
        if problem == _FINE:
            return
        why = {
            _ENDS: "the file ends in the middle",
            _GARBLED: "expected a number as dlib writes it, so the file is no dlib shape predictor, or damaged",
            _OUTSIDE: f"the file is damaged, it names {outside}",
            _INFINITE: "the file is damaged, it holds a number that is infinite or none",
        }
        if problem == _UNEVEN:
            raise self.refusal(
                "a tree of another size than the first; cairn reads predictors whose trees are alike, as dlib's "
                "trainer makes them"
            )
        raise self.refusal(f"{why[problem]}; copy or download it again")


@numba.njit(cache=True)
def _get_integer(data, at):  # type: ignore[no-untyped-def]
    """(value, the next position, problem)."""
    if at >= len(data):
        return np.int64(0), at, _ENDS
    control = data[at]
    length = np.int64(control & 15)
    if control & 0x70 or length < 1 or length > 8:
        return np.int64(0), at, _GARBLED
    if at + length >= len(data):
        return np.int64(0), at, _ENDS
    value = np.int64(0)
    for i in range(length, 0, -1):
        value = (value << 8) | np.int64(data[at + i])
    if value < 0:  # the highest of eight bytes is too high
        return np.int64(0), at, _GARBLED
    return (-value if control & 0x80 else value), at + 1 + length, _FINE


@numba.njit(cache=True)
def _get_real(data, at):  # type: ignore[no-untyped-def]
    """(value, the next position, problem)."""
    mantissa, middle, problem = _get_integer(data, at)
    if problem:
        return np.float32(0), middle, problem
    exponent, after, problem = _get_integer(data, middle)
    if problem:
        return np.float32(0), after, problem
    if exponent >= _NOT_FINITE or exponent < -_NOT_FINITE:
        return np.float32(0), at, _INFINITE
    value = np.float32(math.ldexp(float(mantissa), int(exponent)))
    if not np.isfinite(value):
        return value, at, _INFINITE
    return value, after, _FINE


@numba.njit(cache=True)
def _get_integers(data, at, out, limit):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        value, after, problem = _get_integer(data, at)
        if problem:
            return after, problem
        if value < 0 or value >= limit:
            return at, _OUTSIDE
        out[i] = value
        at = after
    return at, _FINE


@numba.njit(cache=True)
def _get_reals(data, at, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i], at, problem = _get_real(data, at)
        if problem:
            return at, problem
    return at, _FINE


@numba.njit(cache=True)
def _get_trees(data, at, first, second, thresholds, leaves):  # type: ignore[no-untyped-def]
    trees, nodes = first.shape
    rows = leaves.shape[2]
    for tree in range(trees):
        number, after, problem = _get_integer(data, at)
        if problem:
            return after, problem
        if number != nodes:
            return at, _UNEVEN
        at = after
        for node in range(nodes):
            for indices in (first, second):
                value, after, problem = _get_integer(data, at)
                if problem:
                    return after, problem
                if value < 0 or value >= MOST_PIXELS:
                    return at, _OUTSIDE
                indices[tree, node] = value
                at = after
            thresholds[tree, node], at, problem = _get_real(data, at)
            if problem:
                return at, problem
        number, after, problem = _get_integer(data, at)
        if problem:
            return after, problem
        if number != nodes + 1:
            return at, _UNEVEN
        at = after
        for leaf in range(nodes + 1):
            for expected in (rows, 1):
                number, after, problem = _get_integer(data, at)
                if problem:
                    return after, problem
                if abs(number) != expected:
                    return at, _UNEVEN
                at = after
            for row in range(rows):
                leaves[tree, leaf, row], at, problem = _get_real(data, at)
                if problem:
                    return at, problem
    return at, _FINE


@numba.njit(cache=True)
def _put_integer(out, at, value):  # type: ignore[no-untyped-def]
    """Write `value`, |value| < 2^63; the next position."""
    start = at
    rest = np.int64(abs(value))
    while True:
        at += 1
        out[at] = rest & 255
        rest >>= 8
        if not rest:
            break
    out[start] = (at - start) | (0x80 if value < 0 else 0)
    return at + 1


@numba.njit(cache=True)
def _put_real(out, at, value):  # type: ignore[no-untyped-def]
    """Write a finite float32: 24 bits of mantissa without their low zero bytes, of which dlib drops up to eight."""
    fraction, exponent = math.frexp(float(value))
    mantissa = np.int64(fraction * 2.0**24)
    exponent -= 24
    for _ in range(8):
        if mantissa & 255:
            break
        mantissa >>= 8
        exponent += 8
    return _put_integer(out, _put_integer(out, at, mantissa), exponent)


@numba.njit(cache=True)
def _put_integers(out, at, values):  # type: ignore[no-untyped-def]
    for value in values:
        at = _put_integer(out, at, np.int64(value))
    return at


@numba.njit(cache=True)
def _put_reals(out, at, values):  # type: ignore[no-untyped-def]
    for value in values:
        at = _put_real(out, at, value)
    return at


@numba.njit(cache=True)
def _put_forest(out, at, first, second, thresholds, moves):  # type: ignore[no-untyped-def]
    stages, trees, leaves, rows = moves.shape
    at = _put_integer(out, at, stages)
    for stage in range(stages):
        at = _put_integer(out, at, trees)
        for tree in range(trees):
            at = _put_integer(out, at, leaves - 1)
            for node in range(leaves - 1):
                at = _put_integer(out, at, np.int64(first[stage, tree, node]))
                at = _put_integer(out, at, np.int64(second[stage, tree, node]))
                at = _put_real(out, at, thresholds[stage, tree, node])
            at = _put_integer(out, at, leaves)
            for leaf in range(leaves):
                at = _put_integer(out, at, -rows)
                at = _put_integer(out, at, -1)
                at = _put_reals(out, at, moves[stage, tree, leaf])
    return at
