"""Running the trees: compiled loops over one face, or over many at once.

Everything is in units of the box, except pixels, to which an affine map leads; they are rounded to the nearest one
(floor of px + 0.5, as dlib does). Compiled when first called, and kept on disk.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from cairn.detectors.ert.cascade import Cascade

__all__ = ["MOST_PIXELS", "Program", "pixel_values", "program", "read_at", "run_many", "run_stage", "similarity"]

Program = tuple[np.ndarray, ...]

_TOGETHER = 4  # trees that are walked side by side, so that the processor need not wait for one
_GROUP = 8  # rows that go through a stage together
MOST_PIXELS = 2048  # of a stage: 11 bits for each of two, and 10 for a difference of grey values, make a word
_LOW, _ONE, _TWO = np.uint64(MOST_PIXELS - 1), np.uint64(1), np.uint64(2)
_SECOND, _THIRD = np.uint64(11), np.uint64(22)


def program(cascade: Cascade) -> Program:
    """The arrays that `run_stage` and `run_many` take after the pictures, laid out for speed.

    Most of the time is spent waiting for memory. So a node is one word of 32 bits: two pixels, and a threshold, which
    can be rounded down because differences of grey values are whole numbers. A tree of depth 4 fills a line of the
    cache (64 bytes); a leaf is padded with zeros to whole vector registers.
    """
    if cascade.n_pixels > MOST_PIXELS:
        raise ValueError(f"{cascade.n_pixels} pixels a stage; at most {MOST_PIXELS} can be run")
    limits = np.clip(np.floor(cascade.thresholds), -256, 255) + 512
    words = cascade.first.astype(np.uint32) | cascade.second.astype(np.uint32) << 11 | limits.astype(np.uint32) << 22
    stages, trees, inner = words.shape
    more = -trees % _TOGETHER  # trees that do nothing
    nodes = _aligned((stages, trees + more, inner + 1), np.dtype(np.uint32))
    nodes[:, :trees, :inner] = words
    rank = cascade.leaves.shape[-1]
    padded = -(-rank // 16) * 16
    leaves = _aligned((stages, trees + more, cascade.leaves.shape[2], padded), cascade.leaves.dtype)
    leaves[:, :trees, :, :rank] = cascade.leaves
    scales = np.ones((stages, padded), np.float32)
    if cascade.scales is not None:
        scales[:, :rank] = cascade.scales
    basis = np.empty((0, 0), np.float32)
    if cascade.basis is not None:
        basis = np.zeros((padded, 2 * cascade.n_points), np.float32)
        basis[:rank] = cascade.basis
    sums = np.zeros(0, np.int32 if cascade.leaves.dtype == np.int8 else np.float32)
    return (
        cascade.mean,
        cascade.anchors,
        cascade.offsets,
        nodes,
        leaves,
        scales,
        basis,
        sums,
    )


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros that begin at a line of the cache, so that a leaf of 64 bytes is fetched at once."""
    size = int(np.prod(shape)) * dtype.itemsize
    room = np.zeros(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(shape)


@njit(cache=True, nogil=True, inline="always")
def similarity(mean, shape):
    """(a, b): the least-squares similarity from `mean` to `shape` is turning and scaling by ``a + i b``."""
    k = len(mean)
    mx = my = sx = sy = 0.0
    for i in range(k):
        mx += mean[i, 0]
        my += mean[i, 1]
        sx += shape[i, 0]
        sy += shape[i, 1]
    mx, my, sx, sy = mx / k, my / k, sx / k, sy / k
    norm = re = im = 0.0
    for i in range(k):
        px, py = mean[i, 0] - mx, mean[i, 1] - my
        qx, qy = shape[i, 0] - sx, shape[i, 1] - sy
        norm += px * px + py * py
        re += px * qx + py * qy
        im += px * qy - py * qx
    if norm <= 1e-12:  # one point alone has no direction
        return np.float32(1.0), np.float32(0.0)
    return np.float32(re / norm), np.float32(im / norm)


@njit(cache=True, nogil=True)
def pixel_values(patch, place, shape, a, b, anchors, offsets, values):
    """Grey values of a stage's pixels into `values` (P,); outside of the patch its nearest pixel.

    Parameters
    ----------
    patch : (H, W) uint8
    place : (2, 3) float64, units of the box to px
    shape : (K, 2) float32
    a, b : of `similarity`
    """
    height, width = patch.shape
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    xx = np.float32(place[0, 0] * a + place[0, 1] * b)
    xy = np.float32(place[0, 1] * a - place[0, 0] * b)
    yx = np.float32(place[1, 0] * a + place[1, 1] * b)
    yy = np.float32(place[1, 1] * a - place[1, 0] * b)
    at = np.empty((len(shape), 2), np.float32)
    for k in range(len(shape)):
        at[k, 0] = place[0, 0] * shape[k, 0] + place[0, 1] * shape[k, 1] + place[0, 2] + 0.5
        at[k, 1] = place[1, 0] * shape[k, 0] + place[1, 1] * shape[k, 1] + place[1, 2] + 0.5
    zero = np.float32(0)
    for p in range(len(anchors)):
        k = anchors[p]
        dx, dy = offsets[p, 0], offsets[p, 1]
        x = at[k, 0] + xx * dx + xy * dy
        y = at[k, 1] + yx * dx + yy * dy
        x = min(max(x, zero), right)  # not below 0, so that cutting off the fraction rounds down
        y = min(max(y, zero), bottom)
        values[p] = patch[np.uint32(y), np.uint32(x)]


@njit(cache=True, nogil=True, inline="always")
def _child(word, node, values):
    """The child of `node` that a sample with these pixels goes to; words are laid out in `program`."""
    word = np.uint64(word)
    difference = values[word & _LOW] - values[(word >> _SECOND) & _LOW]
    return node + node + (_ONE if difference + 512 > np.int64(word >> _THIRD) else _TWO)


@njit(cache=True, nogil=True, fastmath=True)
def run_stage(s, patch, place, turned, shape, mean, anchors, offsets, nodes, leaves, scales, basis, sums):
    """Move `shape` (K, 2) float32, in place, by stage `s`.

    Parameters
    ----------
    patch, place : see `pixel_values`
    turned : leaves are moves in the frame of the mean shape, and are turned and scaled into the current one
    mean, ..., sums : what `program` gives
    """
    trees, inner = nodes.shape[1], leaves.shape[2] - 1
    depth = 0
    while (1 << depth) - 1 < inner:
        depth += 1
    points, rank = len(shape), leaves.shape[3]
    values = np.empty(anchors.shape[1], np.int16)
    total = np.zeros(rank, sums.dtype)
    move = np.zeros(2 * points, np.float32)
    skip = np.uint64(inner)
    a, b = similarity(mean, shape)
    pixel_values(patch, place, shape, a, b, anchors[s], offsets[s], values)
    for t in range(0, trees, _TOGETHER):
        n0 = n1 = n2 = n3 = np.uint64(0)
        for _ in range(depth):
            n0 = _child(nodes[s, t, n0], n0, values)
            n1 = _child(nodes[s, t + 1, n1], n1, values)
            n2 = _child(nodes[s, t + 2, n2], n2, values)
            n3 = _child(nodes[s, t + 3, n3], n3, values)
        l0, l1 = leaves[s, t, n0 - skip], leaves[s, t + 1, n1 - skip]
        l2, l3 = leaves[s, t + 2, n2 - skip], leaves[s, t + 3, n3 - skip]
        for r in range(rank):
            total[r] += (l0[r] + l1[r]) + (l2[r] + l3[r])
    if basis.shape[0]:
        for r in range(rank):
            weight = np.float32(total[r]) * scales[s, r]
            for j in range(2 * points):
                move[j] += weight * basis[r, j]
    else:
        for j in range(2 * points):
            move[j] = total[j] * scales[s, j]
    if not turned:
        a, b = np.float32(1.0), np.float32(0.0)
    for k in range(points):
        dx, dy = move[2 * k], move[2 * k + 1]
        shape[k, 0] += a * dx - b * dy
        shape[k, 1] += b * dx + a * dy


@njit(cache=True, nogil=True, parallel=True)
def run_many(patches, which, places, turned, shapes, program):
    """Move N shapes through all stages, on all cores; row i looks at ``patches[which[i]]`` (M, H, W).

    Rows go through a stage together in small groups, so that its leaves are still in the cache for the next row.

    Parameters
    ----------
    places : (N, 2, 3) float64, of each row
    shapes : (N, K, 2) float32, in and out
    """
    n, stages = len(shapes), len(program[1])
    for group in prange((n + _GROUP - 1) // _GROUP):
        for s in range(stages):
            for i in range(group * _GROUP, min((group + 1) * _GROUP, n)):
                run_stage(s, patches[which[i]], places[i], turned, shapes[i], *program)


@njit(cache=True, nogil=True)
def read_at(patches, which, places, shapes, mean, anchors, offsets):
    """(N, P) int16 pixels about `shapes` (N, K, 2) float32, turned and scaled with them; the rest as in `run_many`."""
    out = np.empty((len(shapes), len(anchors)), np.int16)
    for i in range(len(shapes)):
        a, b = similarity(mean, shapes[i])
        pixel_values(patches[which[i]], places[i], shapes[i], a, b, anchors, offsets, out[i])
    return out
