"""Growing the trees of one stage (Kazemi & Sullivan 2014, section 2.3), on all cores and in whole numbers.

What is left to explain of each sample (its residual) is kept as int16, and leaves are whole multiples of a step, so
that sums do not depend on their order: the same seed gives the same trees on one thread and on sixteen. Since a leaf is
rounded to its step before it is taken off the residuals, the trees that follow make up for the rounding.

Splits are chosen by the paper's equation 8, the reduction of the sum of squares, over a few components of the residual
that are drawn anew for each tree; leaves are fitted to all of them. Thresholds are the differences of samples drawn
from the node, so that every split divides what is there.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from cairn.detectors.ert.prediction import pixel_values, similarity

__all__ = ["grow", "read_pixels"]

_CHUNKS = 32  # of samples, for the threads to share
_BLOCK = 2048  # samples whose sums are exact in float32, and stay in the cache
LARGEST_SCORED = 4095  # |component| in the choice of splits: 2048 * 4095 < 2^24


@njit(cache=True, parallel=True)
def read_pixels(patches, which, places, shapes, mean, anchors, offsets):
    """(P, N) uint8 pixels of a stage, and (N, 2) the similarity of each shape."""
    n, p = len(shapes), len(anchors)
    out = np.empty((p, n), np.uint8)
    turns = np.empty((n, 2), np.float32)
    blocks = (n + 63) // 64
    for block in prange(blocks):
        start = block * 64
        end = min(start + 64, n)
        values = np.empty((64, p), np.int16)
        for i in range(start, end):
            a, b = similarity(mean, shapes[i])
            turns[i, 0], turns[i, 1] = a, b
            pixel_values(
                patches[which[i]],
                places[i],
                shapes[i],
                a,
                b,
                anchors,
                offsets,
                values[i - start],
            )
        for j in range(p):
            for i in range(start, end):
                out[j, i] = values[i - start, j]
    return out, turns


@njit(cache=True, fastmath=True)
def _split_sums(first, second, threshold, order, scored, lo, hi, sums):
    """How many of a node's samples go left; their components' sums into `sums`."""
    mask = np.empty(_BLOCK, np.float32)
    count = 0.0
    sums[:] = 0.0
    for start in range(lo, hi, _BLOCK):
        length = min(_BLOCK, hi - start)
        for j in range(length):
            i = order[start + j]
            mask[j] = np.float32(np.int16(first[i]) - np.int16(second[i]) > threshold)
        count += mask[:length].sum()
        for c in range(len(scored)):
            row = scored[c, start : start + length]
            total = np.float32(0)
            for j in range(length):
                total += row[j] * mask[j]
            sums[c] += total
    return count


@njit(cache=True)
def _score(pixels, a, b, limit, order, scored, lo, hi, totals, weights):
    """Equation 8: the sum of squares that this split of order[lo:hi] explains."""
    parts = np.empty(len(scored))
    left = _split_sums(pixels[a], pixels[b], limit, order, scored, lo, hi, parts)
    right = (hi - lo) - left
    score = 0.0
    for c in range(len(scored)):
        rest = totals[c] - parts[c]
        gain = 0.0
        if left > 0:
            gain += parts[c] * parts[c] / left
        if right > 0:
            gain += rest * rest / right
        score += weights[c] * gain
    return score


@njit(cache=True)
def _divide(first, second, limit, order, place, lo, hi):
    """Where each of order[lo:hi] goes, into `place`: those on the left first, in their order; returns their number."""
    left = 0
    for j in range(lo, hi):
        i = order[j]
        left += np.int16(first[i]) - np.int16(second[i]) > limit
    to_left, to_right = lo, lo + left
    for j in range(lo, hi):
        i = order[j]
        if np.int16(first[i]) - np.int16(second[i]) > limit:
            place[j] = to_left
            to_left += 1
        else:
            place[j] = to_right
            to_right += 1
    return left


@njit(cache=True)
def _find_leaves(pixels, first, second, thresholds, leaf_of, start, end):
    """Which leaf each of the samples start..end falls into."""
    nodes = len(first)
    for i in range(start, end):
        node = 0
        while node < nodes:
            d = np.int16(pixels[first[node], i]) - np.int16(pixels[second[node], i])
            node = 2 * node + (1 if d > thresholds[node] else 2)
        leaf_of[i] = node - nodes


@njit(cache=True)
def _collect(residuals, present, leaf_of, start, end, sums, counts):
    """Sums (2^F, R) and numbers of the residuals in each leaf."""
    rank = residuals.shape[1]
    for i in range(start, end):
        row, number, values = sums[leaf_of[i]], counts[leaf_of[i]], residuals[i]
        for r in range(rank):
            row[r] += values[r]
        if present.shape[0] > 0:
            seen = present[i]
            for r in range(rank):
                number[r] += seen[r]
        else:
            number[0] += 1


@njit(cache=True)
def _take_off(residuals, present, leaf_of, taken, start, end):
    """Subtract what the leaf of each sample explains."""
    rank = residuals.shape[1]
    for i in range(start, end):
        values, off = residuals[i], taken[leaf_of[i]]
        if present.shape[0] > 0:
            seen = present[i]
            for r in range(rank):
                values[r] -= off[r] * seen[r]
        else:
            for r in range(rank):
                values[r] -= off[r]


@njit(cache=True, parallel=True)
def _read_components(residuals, order, chosen, scored_scale, scored):
    """The chosen components of the samples, as whole numbers, into `scored` (Q, M)."""
    for c in prange(len(chosen)):
        r = chosen[c]
        for j in range(len(order)):
            value = np.round(residuals[order[j], r] * scored_scale[r])
            scored[c, j] = min(max(value, -LARGEST_SCORED), LARGEST_SCORED)


@njit(cache=True, parallel=True)
def _score_level(pixels, candidates, draws, order, scored, lows, highs, weights, limits, scores):
    """Thresholds and scores (W, C) of all candidates of the W nodes of one level."""
    width, tests = scores.shape
    totals = np.zeros((width, len(scored)))
    for task in prange(width * len(scored)):
        w, c = task // len(scored), task % len(scored)
        for j in range(lows[w], highs[w]):
            totals[w, c] += scored[c, j]
    for task in prange(width * tests):
        w, test = task // tests, task % tests
        lo, hi = lows[w], highs[w]
        if hi > lo:
            a, b = candidates[w, test, 0], candidates[w, test, 1]
            i = order[lo + int(draws[w, test] * (hi - lo))]
            limits[w, test] = np.int16(pixels[a, i]) - np.int16(pixels[b, i])
            scores[w, test] = _score(pixels, a, b, limits[w, test], order, scored, lo, hi, totals[w], weights)
        else:
            limits[w, test] = 0
            scores[w, test] = -1.0


@njit(cache=True, parallel=True)
def _divide_level(pixels, first, second, limits, order, place, lows, highs, lefts):
    """`_divide` for the W nodes of one level; the numbers that go left into `lefts`."""
    for w in prange(len(first)):
        lefts[w] = _divide(pixels[first[w]], pixels[second[w]], limits[w], order, place, lows[w], highs[w])


@njit(cache=True, parallel=True)
def _rearrange(order, scored, place, new_order, new_scored):
    """Samples and their components at their new places."""
    for c in prange(len(scored) + 1):
        if c == len(scored):
            for j in range(len(order)):
                new_order[place[j]] = order[j]
        else:
            for j in range(len(order)):
                new_scored[c, place[j]] = scored[c, j]


@njit(cache=True, parallel=True)
def _fill_leaves(pixels, residuals, present, first, second, thresholds, leaf_of, sums, counts):
    """The leaf of every sample, and sums and numbers of the residuals there, for each chunk of samples."""
    n = len(residuals)
    chunk = (n + len(sums) - 1) // len(sums)
    for k in prange(len(sums)):
        start, end = min(k * chunk, n), min((k + 1) * chunk, n)
        _find_leaves(pixels, first, second, thresholds, leaf_of, start, end)
        _collect(residuals, present, leaf_of, start, end, sums[k], counts[k])


@njit(cache=True, parallel=True)
def _take_leaves_off(residuals, present, leaf_of, taken):
    """`_take_off` for all samples."""
    n = len(residuals)
    chunk = (n + _CHUNKS - 1) // _CHUNKS
    for k in prange(_CHUNKS):
        _take_off(residuals, present, leaf_of, taken, min(k * chunk, n), min((k + 1) * chunk, n))


@njit(cache=True)
def grow(
    pixels,
    residuals,
    present,
    order_start,
    chosen,
    scored_scale,
    weights,
    candidates,
    draws,
    shrinkage,
    averaging,
    steps,
    largest,
    first,
    second,
    thresholds,
    leaves,
):
    """Grow T trees, and take them off the residuals.

    Parameters
    ----------
    pixels : (P, N) uint8
    residuals : (N, R) int16, in and out
    present : (N, R) uint8, 0 where the point has no label and counts for nothing; (0, 0): all are there
    order_start : (T, M) int32, the samples among which each tree's splits are chosen
    chosen : (T, Q) components by which splits are chosen
    scored_scale : (R,) residual to a whole number of at most `LARGEST_SCORED`
    weights : (R,) what the square of such a number is worth
    candidates : (T, 2^F - 1, C, 2) pairs of pixels
    draws : (T, 2^F - 1, C) in [0, 1), the sample whose difference becomes the threshold
    shrinkage : of each leaf
    averaging : trees that are grown to the same residuals and averaged
    steps : (R,) int, worth of one unit of a leaf in units of the residual
    largest : of a leaf, in units
    first, second, thresholds, leaves : out, as in `Cascade`; leaves int16 in units
    """
    n, rank = residuals.shape
    trees, nodes, tests = draws.shape
    n_leaves = nodes + 1
    q, m = chosen.shape[1], order_start.shape[1]
    leaf_of = np.empty((averaging, n), np.int32)
    taken = np.empty((averaging, n_leaves, rank), np.int16)
    scored, other = np.empty((q, m), np.float32), np.empty((q, m), np.float32)
    order, other_order = np.empty(m, np.int32), np.empty(m, np.int32)
    place = np.empty(m, np.int32)
    lows, highs = np.zeros(nodes + n_leaves, np.int64), np.zeros(nodes + n_leaves, np.int64)
    limits, scores = np.empty((n_leaves, tests), np.int16), np.empty((n_leaves, tests))
    best, lefts = np.empty(n_leaves, np.int16), np.empty(n_leaves, np.int64)
    sums = np.empty((_CHUNKS, n_leaves, rank), np.int64)
    counts = np.empty((_CHUNKS, n_leaves, rank), np.int32)
    for t in range(trees):
        order[:] = order_start[t]
        weight = weights[chosen[t]]
        _read_components(residuals, order, chosen[t], scored_scale, scored)
        lows[0], highs[0] = 0, m
        low, width = 0, 1
        while low < nodes:
            end = low + width
            level = slice(low, end)
            _score_level(
                pixels,
                candidates[t, level],
                draws[t, level],
                order,
                scored,
                lows[level],
                highs[level],
                weight,
                limits[:width],
                scores[:width],
            )
            for w in range(width):
                test = np.argmax(scores[w])
                first[t, low + w], second[t, low + w] = candidates[t, low + w, test, 0], candidates[t, low + w, test, 1]
                best[w] = limits[w, test]
                thresholds[t, low + w] = best[w]
            _divide_level(
                pixels, first[t, level], second[t, level], best, order, place, lows[level], highs[level], lefts
            )
            for w in range(width):
                node = low + w
                middle = lows[node] + lefts[w]
                lows[2 * node + 1], highs[2 * node + 1] = lows[node], middle
                lows[2 * node + 2], highs[2 * node + 2] = middle, highs[node]
            if end < nodes:
                _rearrange(order, scored, place, other_order, other)
                scored, other = other, scored
                order, other_order = other_order, order
            low, width = end, 2 * width
        turn = t % averaging
        sums[:], counts[:] = 0, 0
        _fill_leaves(pixels, residuals, present, first[t], second[t], thresholds[t], leaf_of[turn], sums, counts)
        total, number = sums.sum(axis=0), counts.sum(axis=0)
        for leaf in range(n_leaves):
            for r in range(rank):
                count = number[leaf, r if len(present) else 0]
                value = 0.0
                if count > 0:
                    value = np.round(shrinkage * total[leaf, r] / (count * averaging * steps[r]))
                units = int(min(max(value, -largest), largest))
                leaves[t, leaf, r] = units
                taken[turn, leaf, r] = units * steps[r]
        if turn == averaging - 1 or t == trees - 1:
            for u in range(turn + 1):
                _take_leaves_off(residuals, present, leaf_of[u], taken[u])
