"""From samples to a cascade (Kazemi & Sullivan 2014, sections 2.1 to 2.3): stages, their pixels, their trees.

Each stage draws its pixels, reads them once at every sample's current shape, and grows trees on what is left to
explain. Pairs of pixels for the splits are drawn by the exponential prior on their distance (section 2.3.2). Residuals
are written in a basis of the moves that the samples need (principal components, most important first), which keeps
leaves short.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.samples import Samples

__all__ = ["Growth", "boost"]

_RANGE = 12000  # int16 units for `_WIDEST` standard deviations of a residual
_WIDEST = 8.0
_BLOCK = 20  # trees between two looks at the clock


@dataclass(frozen=True)
class Growth:
    """How trees are grown; see `cairn.detectors.ert.detector.Ert` for what each means."""

    depth: int
    stages: int
    trees: int
    pixels: int
    reach: float
    last_reach: float
    shrinkage: float
    prior: float
    tests: int
    components: int
    share: float
    averaging: int
    rank: int
    leaves: str
    turned: bool


def boost(
    samples: Samples,
    patches: np.ndarray,
    mean: np.ndarray,
    how: Growth,
    rng: np.random.Generator,
    *,
    seconds: float | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> Cascade:
    """Grow a whole cascade.

    Parameters
    ----------
    samples : N of them
    patches : (M, S, S) uint8, that the samples look at
    mean : (K, 2) in units of the box
    seconds : budget; fewer trees a stage are grown where it would not be kept
    advance : told how many trees are done

    Returns
    -------
    Cascade : `Cascade.n_trees` says how many trees a stage got
    """
    from cairn.detectors.ert.training import LARGEST_SCORED, grow, read_pixels

    began = timed = time.perf_counter()
    mean = mean.astype(np.float32)
    shapes = np.ascontiguousarray(samples.starts, np.float32)
    n, points = shapes.shape[:2]
    labelled = np.isfinite(samples.truths).all(axis=-1)
    present = np.repeat(labelled, 2, axis=1)
    complete = bool(present.all())
    residuals = np.where(present, (samples.truths - shapes).reshape(n, -1), 0)
    basis = principal_moves(residuals, how.rank) if complete and 0 < how.rank < 2 * points else None
    rank = 2 * points if basis is None else len(basis)
    seen = np.empty((0, 0), np.uint8) if complete else present.astype(np.uint8)
    whole = how.leaves == "int8"
    nodes, trees = 2**how.depth - 1, how.trees
    grown = []
    for stage in range(how.stages):
        anchors, offsets = draw_pixels(mean, how.pixels, _reach(how, stage), rng)
        pixels, turns = read_pixels(patches, samples.which, samples.places, shapes, mean, anchors, offsets)
        left = np.where(labelled[..., None], samples.truths - shapes, 0).astype(np.float32)
        if how.turned:
            left = _turned(left, turns, back=True)
        left = left.reshape(n, -1)
        if basis is not None:
            left = left @ basis.T
        spread = np.sqrt((left**2).sum(axis=0) / np.maximum(present.sum(axis=0) if basis is None else n, 1))
        unit = np.maximum(spread * (_WIDEST / _RANGE), 1e-9)
        ints = np.clip(np.round(left / unit), -_RANGE, _RANGE).astype(np.int16)
        # An int8 leaf reaches as far as three standard deviations would move a tree of this shrinkage.
        step = np.int64(max(round(3 * how.shrinkage * _RANGE / _WIDEST / 127), 1)) if whole else np.int64(1)
        steps = np.full(rank, step)
        before = ints.copy()
        chance = pair_chances(mean[anchors] + offsets, how.prior)
        parts = []
        done = 0
        while done < trees:
            block = min(_BLOCK, trees - done)
            energy = (ints.astype(np.float32) ** 2).mean(axis=0) * unit**2
            root = np.sqrt(np.maximum((ints.astype(np.float32) ** 2).mean(axis=0), 1e-9))
            arrays = (
                np.empty((block, nodes), np.uint16),
                np.empty((block, nodes), np.uint16),
                np.empty((block, nodes), np.float32),
                np.empty((block, nodes + 1, rank), np.int16),
            )
            scored_scale = np.minimum(LARGEST_SCORED / (4 * root), 1.0)
            grow(
                pixels,
                ints,
                seen,
                _subsets(n, block, how.share, rng),
                _components(energy, block, how.components, rng),
                scored_scale.astype(np.float32),
                (unit / scored_scale) ** 2,
                _candidates(chance, (block, nodes, how.tests), rng),
                rng.random((block, nodes, how.tests)),
                how.shrinkage,
                how.averaging,
                steps,
                127 if whole else 16000,
                *arrays,
            )
            parts.append(arrays)
            done += block
            advance(stage * trees + done)
            if stage == 0 and done == _BLOCK:
                timed = time.perf_counter()  # the first trees had to be compiled
            if seconds is not None and stage == 0 and done == 2 * _BLOCK:
                now = time.perf_counter()
                pace = (now - timed) / _BLOCK
                trees = min(max(int((began + seconds - now) / pace + done) // how.stages, done), trees)
        move = (before.astype(np.float32) - ints) * unit
        if basis is not None:
            move = move @ basis
        move = move.reshape(n, points, 2)
        shapes += _turned(move, turns, back=False) if how.turned else move
        first, second, thresholds, leaves = (np.concatenate(a) for a in zip(*parts, strict=True))
        grown.append((anchors, offsets, first, second, thresholds, leaves, (unit * steps).astype(np.float32)))
    anchors, offsets, first, second, thresholds, leaves, scales = (np.stack(a) for a in zip(*grown, strict=True))
    if not whole:
        leaves = leaves * scales[:, None, None]
    stored = scales if whole else None
    return Cascade(mean, anchors, offsets, first, second, thresholds, leaves, stored, basis)


def principal_moves(residuals: np.ndarray, rank: int) -> np.ndarray:
    """(rank, 2K) float32 orthonormal directions that hold most of the sum of squares of `residuals` (N, 2K)."""
    values = residuals.astype(np.float64)
    _, vectors = np.linalg.eigh(values.T @ values)
    vectors = vectors[:, ::-1][:, :rank].T
    signs = np.sign(vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)])
    return (vectors * signs[:, None]).astype(np.float32)


def draw_pixels(mean: np.ndarray, count: int, reach: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(P,) anchors and (P, 2) offsets of pixels that lie about the points of the mean shape.

    Parameters
    ----------
    mean : (K, 2) units of the box
    reach : standard deviation of a pixel's distance from the point that it is drawn about, in units of the box;
        0 draws evenly over the mean shape's rectangle
    """
    if reach > 0:
        places = mean[rng.integers(0, len(mean), count)] + reach * rng.normal(size=(count, 2))
    else:
        low, high = mean.min(axis=0), mean.max(axis=0)
        few = np.maximum(0.1 - (high - low), 0) / 2  # one point has no rectangle
        places = rng.uniform(low - few, high + few, (count, 2))
    away = ((places[:, None] - mean) ** 2).sum(axis=-1)
    anchors = away.argmin(axis=1).astype(np.uint16)
    return anchors, (places - mean[anchors]).astype(np.float32)


def _reach(how: Growth, stage: int) -> float:
    """Of the pixels of a stage: from coarse to fine in equal ratios."""
    if how.reach <= 0:
        return 0.0
    return float(how.reach * (how.last_reach / how.reach) ** (stage / max(how.stages - 1, 1)))


def pair_chances(places: np.ndarray, prior: float) -> np.ndarray:
    """(P * P,) cumulated chances of each pair of pixels, falling off exponentially with their distance."""
    away = np.sqrt(((places[:, None].astype(np.float64) - places) ** 2).sum(axis=-1))
    chance = np.exp(-away / prior)
    np.fill_diagonal(chance, 0)
    if chance.sum() <= 0:
        chance = 1 - np.eye(len(places))
    return np.cumsum(chance.ravel())


def _candidates(chance: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """shape + (2,) uint16 pairs of pixels."""
    pixels = round(len(chance) ** 0.5)
    drawn = np.searchsorted(chance, rng.random(shape) * chance[-1], side="right")
    drawn = np.minimum(drawn, len(chance) - 1)
    return np.stack([drawn // pixels, drawn % pixels], axis=-1).astype(np.uint16)


def _components(energy: np.ndarray, trees: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(trees, count) components of the residual, the more important ones drawn more often (no one twice)."""
    count = min(count, len(energy)) if count else len(energy)
    keys = np.log(np.maximum(energy, 1e-30)) + rng.gumbel(size=(trees, len(energy)))
    return np.argsort(-keys, axis=1, kind="stable")[:, :count].astype(np.int32)


def _subsets(n: int, trees: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(trees, M) int32 samples among which each tree's splits are chosen, in order."""
    if share >= 1:
        return np.broadcast_to(np.arange(n, dtype=np.int32), (trees, n)).copy()
    count = max(round(share * n), 1)
    # Every tree takes a run of samples in one shuffled order: as good as fresh draws, and much cheaper.
    order = rng.permutation(n).astype(np.int32)
    starts = rng.integers(0, n, trees)
    return np.sort(np.stack([np.take(order, range(s, s + count), mode="wrap") for s in starts]), axis=1)


def _turned(moves: np.ndarray, turns: np.ndarray, back: bool) -> np.ndarray:
    """(N, K, 2) moves from the frame of the mean shape into each shape's, or back."""
    a, b = turns[:, :1], turns[:, 1:]
    if back:
        norm = np.maximum(a * a + b * b, 1e-12)
        a, b = a / norm, -b / norm
    x, y = moves[..., 0], moves[..., 1]
    return np.stack([a * x - b * y, b * x + a * y], axis=-1)
