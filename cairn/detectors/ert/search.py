"""One object seen through several boxes, and in the mirror: compiled, so that one face costs no more than its trees.

Every view is a box in units of the given one, as a map (2, 3) from its own units. The points are the medians over the
views (for two their mean), and the views' covariance says how far they agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from cairn.detectors.ert.prediction import pixel_values, run_stage, similarity

__all__ = ["FLAT", "into_pixels", "judge", "search", "search_in_parallel"]

FLAT = 4.0  # grey values of standard deviation under which nothing is seen
_GROUP = 8  # rows, whose patches and a stage's leaves fit into the second cache together


@njit(cache=True, nogil=True, inline="always")
def _compose(after, first, out):
    """The affine map that does `first`, then `after`; all (2, 3)."""
    for i in range(2):
        for j in range(3):
            out[i, j] = after[i, 0] * first[0, j] + after[i, 1] * first[1, j]
        out[i, 2] += after[i, 2]


@njit(cache=True, nogil=True, inline="always")
def _mirror(shape, flip, spare):
    """A shape in units of a box, in the mirror; in place."""
    spare[:] = shape
    for k in range(len(shape)):
        shape[k, 0] = np.float32(1.0) - spare[flip[k], 0]
        shape[k, 1] = spare[flip[k], 1]


@njit(cache=True, nogil=True)
def _enter(frame, box, views, flip, start, mean, places, seen, shapes):
    """Where each view's search begins: maps to the patch (V, 2, 3) and shapes (V, K, 2), in units of the views.

    Shapes in the mirror come later, out of those that are not.
    """
    count, points = len(views), len(mean)
    plain = count if len(flip) == 0 else count // 2
    for v in range(count):
        _compose(box, views[v], seen[v])
        _compose(frame, seen[v], places[v])
        shape = shapes[v]
        if len(start):
            # Boxes are upright, so the way back is a shift and a scale along each axis.
            for k in range(points):
                shape[k, 0] = (start[k, 0] - seen[v, 0, 2]) / seen[v, 0, 0]
                shape[k, 1] = (start[k, 1] - seen[v, 1, 2]) / seen[v, 1, 1]
        else:
            shape[:] = mean
        if v >= plain:
            for i in range(2):
                places[v, i, 2] += places[v, i, 0]
                places[v, i, 0] = -places[v, i, 0]


@njit(cache=True, nogil=True)
def _leave(flip, seen, shapes):
    """From units of the views back to those of the given box, and out of the mirror."""
    count, points = shapes.shape[:2]
    plain = count if len(flip) == 0 else count // 2
    spare = np.empty((points, 2), np.float32)
    for v in range(count):
        shape = shapes[v]
        if v >= plain:
            _mirror(shape, flip, spare)
        for k in range(points):
            shape[k, 0] = seen[v, 0, 0] * shape[k, 0] + seen[v, 0, 2]
            shape[k, 1] = seen[v, 1, 1] * shape[k, 1] + seen[v, 1, 2]


@njit(cache=True, nogil=True)
def _middle(shapes, points):
    """Medians over the views (V, K, 2) of every coordinate, into `points` (K, 2)."""
    count = len(shapes)
    values = np.empty(count, np.float32)
    for k in range(len(points)):
        for d in range(2):
            for v in range(count):
                value = shapes[v, k, d]
                at = v
                while at > 0 and values[at - 1] > value:
                    values[at] = values[at - 1]
                    at -= 1
                values[at] = value
            points[k, d] = (values[(count - 1) // 2] + values[count // 2]) / 2


@njit(cache=True, nogil=True)
def _implied(points, extent, box):
    """The box that lies about the points as those of the training did, into `box`; how far it is from the given one."""
    far = 0.0
    for d in range(2):
        low, high = points[0, d], points[0, d]
        for k in range(len(points)):
            low, high = min(low, points[k, d]), max(high, points[k, d])
        usual = extent[2 + d] - extent[d]
        side = 1.0
        if usual > 0.1:  # else the points say where the box is, but not how large
            side = min(max((high - low) / usual, 0.5), 2.0)
        corner = (low + high) / 2 - side * (extent[d] + extent[2 + d]) / 2
        box[d, :] = 0.0
        box[d, d], box[d, 2] = side, corner
        far = max(far, abs(corner + side / 2 - 0.5), abs(np.log(side)))
    return far


@njit(cache=True, nogil=True)
def _spread(shapes, points, covariance):
    """Of the views (V, K, 2) about the points (K, 2), into `covariance` (K, 2, 2)."""
    covariance[:] = 0
    count = len(shapes)
    if count < 2:
        return
    for k in range(len(points)):
        for v in range(count):
            dx, dy = shapes[v, k, 0] - points[k, 0], shapes[v, k, 1] - points[k, 1]
            covariance[k, 0, 0] += dx * dx / (count - 1)
            covariance[k, 0, 1] += dx * dy / (count - 1)
            covariance[k, 1, 1] += dy * dy / (count - 1)
        covariance[k, 1, 0] = covariance[k, 0, 1]


@njit(cache=True, nogil=True)
def search(patches, frames, views, flip, branch, starts, second, extent, turned, points, covariance, program):
    """Points (N, K, 2) float32 and their covariance (N, K, 2, 2) over the views, in units of the box, into the arrays.

    All rows go through a stage together, so that its trees are read from far memory once.

    Parameters
    ----------
    patches : (N, S, S) uint8
    frames : (N, 2, 3) units of the box to px of the patch
    views : (V, 2, 3); the last half is seen in the mirror
    flip : (K,) int64, or (0,): there is no mirror
    branch : the stage from which on the mirror is looked at too; what came before is shared
    starts : (N, K, 2) where to begin, or (N, 0, 2): from the mean shape
    second : how far the implied box may be from the given one before it is looked at too; 0: never
    extent : (4,) the box around the points of the training, in units of their boxes
    turned, program : see `cairn.detectors.ert.prediction.run_stage`
    """
    n, count, stages = len(patches), len(views), len(program[1])
    boxes, places = np.zeros((n, 2, 3)), np.empty((n, count, 2, 3))
    seen = np.empty((n, count, 2, 3))
    plain = count if len(flip) == 0 else count // 2
    spare = np.empty(points.shape[1:], np.float32)
    shapes = np.empty((n, count, *points.shape[1:]), np.float32)
    open_rows = np.arange(n)
    boxes[:, 0, 0] = boxes[:, 1, 1] = 1.0
    for look in range(2):
        for i in open_rows:
            _enter(frames[i], boxes[i], views, flip, starts[i], program[0], places[i], seen[i], shapes[i])
        for s in range(stages):
            for i in open_rows:
                if s == branch:
                    for v in range(plain, count):
                        shapes[i, v] = shapes[i, v - plain]
                        _mirror(shapes[i, v], flip, spare)
                for v in range(count if s >= branch else plain):
                    run_stage(s, patches[i], places[i, v], turned, shapes[i, v], *program)
        again = 0
        for i in open_rows:
            _leave(flip, seen[i], shapes[i])
            _middle(shapes[i], points[i])
            if look == 0 and second > 0 and starts.shape[1] == 0 and _implied(points[i], extent, boxes[i]) > second:
                open_rows[again] = i
                again += 1
        open_rows = open_rows[:again]
    for row in range(n):
        _spread(shapes[row], points[row], covariance[row])


@njit(cache=True, nogil=True, parallel=True)
def search_in_parallel(
    patches, frames, views, flip, branch, starts, second, extent, turned, points, covariance, program
):
    """`search` on all cores, in small groups of rows."""
    n = len(patches)
    for group in prange((n + _GROUP - 1) // _GROUP):
        a, b = group * _GROUP, min((group + 1) * _GROUP, n)
        search(
            patches[a:b],
            frames[a:b],
            views,
            flip,
            branch,
            starts[a:b],
            second,
            extent,
            turned,
            points[a:b],
            covariance[a:b],
            program,
        )


@njit(cache=True, nogil=True)
def judge(patches, frames, points, mean, anchors, offsets, weights, curve):
    """(N,) in [0, 1]: `cairn.detectors.ert.appearance.Appearance.score` of the pixels about the points (N, K, 2)."""
    seen = np.empty(len(points))
    values = np.empty(len(anchors), np.int16)
    for i in range(len(points)):
        a, b = similarity(mean, points[i])
        pixel_values(patches[i], frames[i], points[i], a, b, anchors, offsets, values)
        total = squares = answer = weight = 0.0
        for p in range(len(values)):
            value = float(values[p])
            total += value
            squares += value * value
            answer += weights[p] * value
            weight += weights[p]
        middle = total / len(values)
        deviation = np.sqrt(max(squares / len(values) - middle * middle, 0.0))
        answer = (answer - weight * middle) / max(deviation, FLAT)
        seen[i] = 1 / (1 + np.exp(-min(max(curve[0] + curve[1] * answer, -30.0), 30.0)))
    return seen


@njit(cache=True, nogil=True)
def into_pixels(boxes, points, between, spread, seen, doubt, rows, known, to_points, to_covariance, to_confidence):
    """From units of the boxes (N, 4) to px, into rows of the answer's arrays.

    Parameters
    ----------
    points, between : what `search` found
    spread : (K, 2, 2) how far points are off as a rule, in units of the box
    seen : (N,) of `judge`
    doubt : standard deviation between views at which confidence falls to exp(-1/2)
    rows, known : (N,), (K,) where in the answer
    """
    for i in range(len(rows)):
        row = rows[i]
        x, y = boxes[i, 0], boxes[i, 1]
        w, h = boxes[i, 2] - x, boxes[i, 3] - y
        for j in range(len(known)):
            k = known[j]
            to_points[row, k, 0], to_points[row, k, 1] = x + w * points[i, j, 0], y + h * points[i, j, 1]
            covariance, own = between[i, j], spread[j]
            to_covariance[row, k, 0, 0] = w * w * (covariance[0, 0] + own[0, 0])
            to_covariance[row, k, 0, 1] = to_covariance[row, k, 1, 0] = w * h * (covariance[0, 1] + own[0, 1])
            to_covariance[row, k, 1, 1] = h * h * (covariance[1, 1] + own[1, 1])
            away = covariance[0, 0] + covariance[1, 1]
            to_confidence[row, k] = seen[i] * np.exp(-away / (2 * doubt * doubt))
