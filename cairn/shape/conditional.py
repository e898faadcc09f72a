"""All points of a shape as one Gaussian whose place, turn and size are free; and each point given the others.

A shape x (K points, D coordinates, laid on the mean m and of its size) is x = m + r with

    r ~ N(0, S),   S = C + R + inf * B B'

C is the covariance of shapes, R that of the points' own errors (block-diagonal), and the columns of B are what moving,
turning and resizing m do to it. In the plane that family is a linear space, so the fit of the pose is exact and nothing
hangs on how a shape was laid on the mean beforehand. With P = (C + R)^-1,

    Q = P - P B (B' P B)^-1 B' P            (the precision of shape alone; Rao 1973, restricted likelihood)

- the whole: ``d2 = r' Q r``, chi-squared with rank(Q) degrees of freedom
- a group g of points given all others: ``e_g = Q_gg^-1 (Q r)_g`` has the covariance Q_gg^-1, so
  ``d2_g = (Q r)_g' Q_gg^-1 (Q r)_g`` (Besag 1974; in regression this is the deleted residual)
- leaving a set A out for good: ``Q' = Q - Q_:A (Q_AA + E)^-1 Q_A:`` with E = 0, or, where A is only given more
  covariance F, with E = F^-1 (Schur complement; Woodbury)

C is the sample covariance drawn towards a multiple of the unit matrix (Ledoit & Wolf 2004): it is as good as any from
two thousand faces and still usable from ten wings. Missing points are filled by expectation (Dempster, Laird & Rubin
1977), and points that are far from what the others say are treated as missing, since labels have slips too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cairn.geometry import procrustes

__all__ = ["Conditional", "Kernel", "fit_conditional", "patterns_of", "pose_basis", "present_points"]

_EM_ROUNDS = 6
_TRIM_FROM = 50  # shapes; with fewer, no label is distrusted
_TRIM_BEYOND = 6.0  # robust deviations
_RIDGE = 1e-9  # of the mean variance


@dataclass(frozen=True, eq=False)
class Conditional:
    """A fitted Gaussian of shapes.

    Parameters
    ----------
    mean : (K, D), centred, of unit centroid size
    covariance : (K D, K D) in squared centroid sizes
    """

    mean: np.ndarray
    covariance: np.ndarray

    @property
    def dimensions(self) -> int:
        return self.mean.shape[1]

    @cached_property
    def basis(self) -> np.ndarray:
        """(K D, p) of `pose_basis`."""
        return pose_basis(self.mean)

    def frame(self, points: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Deviations from the mean, and the maps that bring points there.

        Parameters
        ----------
        points : (N, K, D) px, NaN = missing
        weights : (N, K), of the points in fitting place, turn and size

        Returns
        -------
        (N, K, D), 0 where a point is missing; and (N, D, D + 1), NaN where a shape has no two different points
        """
        there = present_points(points)
        if weights is None and there.all():
            return self._frame_of_whole(points)
        weight = there.astype(float) if weights is None else np.where(there, weights, 0.0)
        total = np.maximum(weight.sum(axis=1), 1e-300)
        x = np.where(there[..., None], points, 0.0)
        middle = np.matmul(weight[:, None], x)[:, 0] / total[:, None]
        x = np.where(there[..., None], x - middle[:, None], 0.0)
        goal = weight @ self.mean / total[:, None]
        y = self.mean - goal[:, None]
        size = np.sqrt((weight * np.square(x).sum(-1)).sum(-1))
        wanted = np.sqrt((weight * np.square(y).sum(-1)).sum(-1))
        h = np.matmul(np.swapaxes(y, -1, -2) * weight[:, None], x)
        linear = _rotations(h) * _ratio(wanted, size)[:, None, None]
        moved = np.matmul(x, np.swapaxes(linear, -1, -2)) - y
        shift = goal - np.matmul(linear, middle[..., None])[..., 0]
        return np.where(there[..., None], moved, 0.0), np.concatenate([linear, shift[..., None]], axis=-1)

    def _frame_of_whole(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`frame` of shapes without gaps, by products of whole tables."""
        n, k, d = points.shape
        x = points - points[:, :1]
        moved, linear, shift = self._laid(x, x.reshape(n, k * d) @ self._moments)
        shift = shift - np.matmul(linear, points[:, 0, :, None])[..., 0]
        return moved, np.concatenate([linear, shift[..., None]], axis=-1)

    def both_ways(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, K, D) deviations of shapes and of their mirror images, NaN = missing."""
        mirror = np.ones(points.shape[-1])
        mirror[0] = -1
        if not present_points(points).all():
            return self.frame(points)[0], self.frame(points * mirror)[0]
        n, k, d = points.shape
        x = points - points[:, :1]
        sums = x.reshape(n, k * d) @ self._moments
        return self._laid(x, sums)[0], self._laid(x * mirror, sums * np.tile(mirror, d + 1))[0]

    def _laid(self, x: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Deviations, linear maps and shifts of shapes without gaps whose products with `_moments` are known."""
        n, k, d = x.shape
        middle = sums[:, :d] / k
        size = np.sqrt(np.maximum(np.einsum("nkd,nkd->n", x, x) - k * np.square(middle).sum(1), 0))
        linear = _rotations(sums[:, d:].reshape(n, d, d)) * _ratio(np.ones(n), size)[:, None, None]
        shift = -np.matmul(linear, middle[..., None])[..., 0]
        moved = np.empty((n, k, d))
        for i in range(d):
            moved[..., i] = x[..., 0] * linear[:, i, :1]
            for j in range(1, d):
                moved[..., i] += x[..., j] * linear[:, i, j, None]
            moved[..., i] += shift[:, i, None] - self.mean[:, i]
        return moved, linear, shift

    @cached_property
    def _moments(self) -> np.ndarray:
        """(K D, D + D D): sums of each coordinate, and the products of mean and points (the mean is centred)."""
        k, d = self.mean.shape
        sums = np.tile(np.eye(d), (k, 1))
        products = np.zeros((k, d, d, d))  # point, its coordinate, of h
        for j in range(d):
            products[:, j, :, j] = self.mean
        return np.concatenate([sums, products.reshape(k * d, d * d)], axis=1)

    def kernel(self, errors: np.ndarray | None, present: np.ndarray, groups: dict[str, tuple[int, ...]]) -> Kernel:
        """For shapes with the `present` (K,) points, whose own errors have covariance (K, D, D)."""
        k, d = self.mean.shape
        rows = np.flatnonzero(np.repeat(present, d))
        covariance = self.covariance.copy()
        if errors is not None:
            for i in np.flatnonzero(present):
                covariance[i * d : i * d + d, i * d : i * d + d] += errors[i]
        precision = np.linalg.inv(covariance[np.ix_(rows, rows)])
        basis = np.empty((0, 0))
        if len(rows):
            u, s, _ = np.linalg.svd(self.basis[rows], full_matrices=False)
            basis = u[:, s > 1e-9 * s[0]]  # two points fix the whole pose and leave nothing to judge
        pb = precision @ basis
        q = np.zeros((k * d, k * d))
        if len(rows) > basis.shape[1]:
            q[np.ix_(rows, rows)] = precision - pb @ np.linalg.solve(basis.T @ pb, pb.T)
        q = (q + q.T) / 2
        whole, freedom = _root(q)
        point_maps, point_freedom = _group_maps(q, [(i,) for i in range(k)], d)
        part_maps, part_freedom = _group_maps(q, list(groups.values()), d)
        own = np.stack(point_maps, axis=1).reshape(k * d, k, d).transpose(0, 2, 1).reshape(k * d, k * d)
        return Kernel(q, whole, freedom, own, point_freedom, part_maps, part_freedom)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Matrices that turn deviations (N, K D) into squared distances by products alone.

    Parameters
    ----------
    precision : (K D, K D), Q of the head of this file
    whole : (K D, f), a root of Q; `freedom` is f
    points : (K D, D K), columns k, K + k, ... of point k give its distance given the others; `point_freedom` (K,)
    parts : one matrix (K D, f) for each group; `part_freedom` (P,)
    """

    precision: np.ndarray
    whole: np.ndarray
    freedom: int
    points: np.ndarray
    point_freedom: np.ndarray
    parts: list[np.ndarray]
    part_freedom: np.ndarray

    @cached_property
    def _all(self) -> np.ndarray:
        return np.ascontiguousarray(np.concatenate([self.points, *self.parts, self.whole], axis=1))

    @cached_property
    def _starts(self) -> np.ndarray:
        """First columns of parts and whole, after those of the points."""
        return np.cumsum([self.points.shape[1], *[p.shape[1] for p in self.parts]])

    @cached_property
    def normal(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(3, ...) for whole, parts and points: what turns squared distances into deviates (Wilson & Hilferty 1931)."""
        return _cube_root(np.array(self.freedom)), _cube_root(self.part_freedom), _cube_root(self.point_freedom)

    def distances(self, deviations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Squared distances of the whole (N,), the points (N, K) and the parts (N, P)."""
        n, k = len(deviations), len(self.point_freedom)
        squares = np.square(deviations.reshape(n, -1) @ self._all)
        points = squares[:, :k].copy()
        for start in range(k, self.points.shape[1], k):
            points += squares[:, start : start + k]
        starts = self._starts
        parts = np.empty((n, len(self.parts)))
        for i in range(len(self.parts)):
            parts[:, i] = squares[:, starts[i] : starts[i + 1]].sum(1)
        return squares[:, starts[-1] :].sum(1), points, parts

    def whole_distance(self, deviations: np.ndarray) -> np.ndarray:
        """(N,) of the whole alone."""
        away = deviations.reshape(len(deviations), -1)
        return np.einsum("ni,ni->n", away @ self.precision, away)


def pose_basis(mean: np.ndarray) -> np.ndarray:
    """(K D, D + 1 + D (D - 1) / 2): shifts, size, turns of the mean."""
    k, d = mean.shape
    columns = [np.tile(np.eye(d)[i], k) for i in range(d)]
    columns.append(mean.ravel())
    for i in range(d):
        for j in range(i + 1, d):
            turn = np.zeros((k, d))
            turn[:, i], turn[:, j] = -mean[:, j], mean[:, i]
            columns.append(turn.ravel())
    return np.stack(columns, axis=1)


def fit_conditional(points: np.ndarray) -> Conditional:
    """Learn from shapes.

    Parameters
    ----------
    points : (N, K, D) px, NaN = missing

    Raises
    ------
    ValueError : fewer than 3 shapes with two points or more, or a point that none has
    """
    points = np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, np.nan)
    points = points[np.isfinite(points[..., 0]).sum(axis=1) >= min(3, points.shape[1])]
    if len(points) < 3:
        raise ValueError(f"{len(points)} shapes; a covariance needs at least 3")
    fitted = _estimate(points)
    if len(points) < _TRIM_FROM:
        return fitted
    far = _far_points(fitted, points)
    keep = np.isfinite(points[..., 0]) & ~far
    if not far.any() or (keep.sum(axis=0) < 3).any():
        return fitted
    trimmed = np.where(keep[..., None], points, np.nan)
    return _estimate(trimmed[keep.sum(axis=1) >= min(3, points.shape[1])])


def _estimate(points: np.ndarray) -> Conditional:
    from sklearn.covariance import ledoit_wolf_shrinkage

    aligned = procrustes.generalised(points, tolerance=1e-6).mean
    n, k, d = points.shape
    fitted = Conditional(aligned, np.eye(k * d))
    present = np.isfinite(points[..., 0])
    deviations = fitted.frame(points)[0].reshape(n, -1)
    count = np.maximum(present.sum(axis=0), 1)
    centre = deviations.reshape(n, k, d).sum(axis=0) / count[:, None]
    mean = aligned + centre
    mean = mean - mean.mean(axis=0)
    mean = mean / np.linalg.norm(mean)
    deviations = Conditional(mean, fitted.covariance).frame(points)[0].reshape(n, -1)
    seen = np.repeat(present, d, axis=1)
    covariance = deviations.T @ deviations / n
    complete = bool(present.all())
    filled, lost = deviations, np.zeros_like(covariance)
    for _ in range(1 if complete else _EM_ROUNDS):
        if not complete:
            filled, lost = _fill(deviations, seen, covariance)
        shrink = float(ledoit_wolf_shrinkage(filled, assume_centered=True))
        sample = filled.T @ filled / n + lost
        level = np.trace(sample) / len(sample)
        covariance = (1 - shrink) * sample + (shrink + _RIDGE) * level * np.eye(len(sample))
    return Conditional(mean, covariance)


def _fill(deviations: np.ndarray, seen: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviations with what is expected of missing ones, and the covariance (mean over rows) that they lack."""
    filled, lost = deviations.copy(), np.zeros_like(covariance)
    ridge = 1e-6 * np.trace(covariance) / len(covariance)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        if pattern.all():
            continue
        rows = np.flatnonzero(which.ravel() == i)
        o, m = np.flatnonzero(pattern), np.flatnonzero(~pattern)
        gain = np.linalg.solve(covariance[np.ix_(o, o)] + ridge * np.eye(len(o)), covariance[np.ix_(o, m)]).T
        filled[np.ix_(rows, m)] = deviations[np.ix_(rows, o)] @ gain.T
        lost[np.ix_(m, m)] += len(rows) * (covariance[np.ix_(m, m)] - gain @ covariance[np.ix_(o, m)])
    return filled, lost / len(deviations)


def _far_points(fitted: Conditional, points: np.ndarray) -> np.ndarray:
    """(N, K) points far from where the others say, by the spread of such distances over the shapes."""
    present = np.isfinite(points[..., 0])
    root = np.full(present.shape, np.nan)
    for rows, pattern in patterns_of(present):
        kernel = fitted.kernel(None, pattern, {})
        d2 = kernel.distances(fitted.frame(points[rows])[0])[1]
        root[rows] = np.where(pattern & (kernel.point_freedom > 0), np.cbrt(d2), np.nan)
    middle = np.nanmedian(root, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(root - middle), axis=0)
    return np.nan_to_num(root - middle) > _TRIM_BEYOND * np.maximum(spread, 1e-12)


def _cube_root(freedom: np.ndarray) -> np.ndarray:
    """(3, ...) 1 / f, centre and inverse spread of the cube root of chi-squared / f; NaN without freedom."""
    f = np.where(freedom > 0, freedom, np.nan)
    return np.stack([1 / f, 1 - 2 / (9 * f), 1 / np.sqrt(2 / (9 * f))])


def present_points(points: np.ndarray) -> np.ndarray:
    """(N, K) bool of (N, K, D): where there is a coordinate."""
    total = points[..., 0] + points[..., 1]
    return np.isfinite(total if points.shape[-1] == 2 else total + points[..., 2])


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full_like(b, np.nan), where=b > 0)


def patterns_of(present: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows, pattern (K,)) for each different row of `present` (N, K)."""
    if present.all():
        return [(np.arange(len(present)), np.ones(present.shape[1], bool))] if len(present) else []
    patterns, which = np.unique(present, axis=0, return_inverse=True)
    return [(np.flatnonzero(which.ravel() == i), p) for i, p in enumerate(patterns)]


def _rotations(h: np.ndarray) -> np.ndarray:
    """(N, D, D) nearest rotations."""
    if h.shape[-1] == 2:
        c, s = h[:, 0, 0] + h[:, 1, 1], h[:, 1, 0] - h[:, 0, 1]
        length = np.hypot(c, s)
        safe = np.where(length > 0, length, 1.0)
        c, s = np.where(length > 0, c / safe, 1.0), s / safe
        out = np.empty((len(h), 2, 2))
        out[:, 0, 0] = out[:, 1, 1] = c
        out[:, 0, 1], out[:, 1, 0] = -s, s
        return out
    u, _, vt = np.linalg.svd(h)
    u = u * np.concatenate([np.ones((len(h), h.shape[-1] - 1)), np.linalg.det(u @ vt)[:, None]], axis=1)[:, None]
    return u @ vt


def _root(q: np.ndarray) -> tuple[np.ndarray, int]:
    """(n, f) with ``root root' = q``, and the rank f."""
    values, vectors = np.linalg.eigh(q)
    kept = values > 1e-9 * max(values[-1], 1e-300) if len(values) else values > 0
    return vectors[:, kept] * np.sqrt(values[kept]), int(kept.sum())


def _group_maps(q: np.ndarray, groups: list[tuple[int, ...]], d: int) -> tuple[list[np.ndarray], np.ndarray]:
    """For each group the matrix whose products with r are whitened e_g, and the rank."""
    maps, freedom = [], []
    for group in groups:
        rows = (np.array(group)[:, None] * d + np.arange(d)).ravel()
        values, vectors = np.linalg.eigh(q[np.ix_(rows, rows)])
        kept = values > 1e-9 * max(float(np.max(np.diag(q), initial=0)), 1e-300)
        scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
        maps.append(q[:, rows] @ (vectors * scale))
        freedom.append(int(kept.sum()))
    return maps, np.array(freedom, int)
