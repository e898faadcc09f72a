"""Procrustes alignment: shapes laid on each other by shift, turn and, where asked for, size.

*Ordinary* (one shape onto another), for points x_k with weights w_k and reference y_k:

    min over s, R, t of   sum_k w_k |s R x_k + t - y_k|^2,       R'R = 1, det R = +1

With both centred, ``H = sum_k w_k y_k x_k'`` and its singular values ``H = U S V'``, the answer is ``R = U E V'``,
``s = trace(S E) / sum w |x|^2``, where E = 1 or, if that would be a reflection, flips the least singular value
(Schoenemann 1966; Umeyama 1991). In the plane this has a closed form with complex numbers.

*Generalised* (Gower 1975): each shape, brought to unit centroid size, is turned onto the mean of all, which becomes the
new mean, until nothing moves. This is the partial Procrustes fit of Dryden & Mardia (2016, ch. 7), which geomorph and
most of geometric morphometrics use. *Tangent* space at the mean (Kent & Mardia 2001) is where linear statistics live.

Points are (..., K, D), D = 2 or 3, NaN = missing: a missing point takes no part. Reflections are refused unless asked
for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cairn.geometry import transforms

__all__ = ["Generalised", "centroid_size", "generalised", "lay_on", "ordinary", "tangent"]

_MOST_ROUNDS = 500


def centroid_size(points: ArrayLike) -> np.ndarray:
    """Square root of the summed squared distances to the centroid, NaN points left out.

    Parameters
    ----------
    points : (..., K, D)

    Returns
    -------
    (...) in the unit of the points; 0 for one point, NaN for none
    """
    points = np.asarray(points, np.float64)
    present = np.isfinite(points).all(axis=-1)
    middle = _centroid(points, present.astype(np.float64))
    squares = np.where(present[..., None], points - middle, 0.0) ** 2
    return np.where(present.any(axis=-1), np.sqrt(squares.sum(axis=(-1, -2))), np.nan)


def ordinary(
    points: ArrayLike,
    reference: ArrayLike,
    *,
    scale: bool = True,
    reflect: bool = False,
    weights: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay each shape on the reference by least squares.

    Parameters
    ----------
    points : (N, K, D) or (K, D)
    reference : (K, D), or one for each shape, (N, K, D)
    scale : also change the size (similarity); False keeps it (rigid)
    reflect : allow the mirror image, where it fits better
    weights : (N, K) or (K,), >= 0, of the points; all alike where absent

    Returns
    -------
    aligned : as `points`; NaN points stay NaN
    maps : (N, D, D + 1), see `cairn.geometry.transforms.apply`. Both are NaN where shape and reference share fewer than
        two points, where one has all of these in one place, or where every turn fits alike (a regular triangle on its
        mirror image). In 3-D two points, or points on one line, leave a turn open; any of the best is given.

    Raises
    ------
    ValueError : shapes that do not fit, D other than 2 or 3, weights below 0
    """
    points, reference = np.asarray(points, np.float64), np.asarray(reference, np.float64)
    if points.ndim < 2 or points.shape[-1] not in (2, 3) or points.shape[-2:] != reference.shape[-2:]:
        raise ValueError(
            f"points {points.shape} on a reference {reference.shape}: expected (N, K, 2 or 3) and (K, same)"
        )
    present = (np.isfinite(points) & np.isfinite(reference)).all(axis=-1)
    weight = present.astype(np.float64)
    if weights is not None:
        given = np.broadcast_to(np.asarray(weights, np.float64), present.shape)
        if (given[present] < 0).any():
            raise ValueError("weights of points must be 0 or more")
        weight = np.where(present, given, 0.0)
    present = weight > 0

    def centred(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        middle = _centroid(shape, weight)
        away = np.where(present[..., None], shape - middle, 0.0)
        return away, middle[..., 0, :], np.einsum("...k,...kd->...", weight, away**2)

    x, x_middle, x_square = centred(points)
    y, y_middle, y_square = centred(reference)
    linear, fitted = _rotation(np.swapaxes(y, -1, -2) @ (weight[..., None] * x), reflect)
    known = present.sum(axis=-1) >= 2
    for square, middle in ((x_square, x_middle), (y_square, y_middle)):  # what differs by rounding only is one place
        known &= (square > 0) & (square > 1e-24 * (middle**2).sum(axis=-1) * weight.sum(axis=-1))
    known &= fitted > 1e-12 * np.sqrt(x_square * y_square)
    if scale:
        size = np.divide(fitted, x_square, out=np.ones_like(x_square), where=x_square > 0)
        linear = linear * size[..., None, None]
    linear = np.where(known[..., None, None], linear, np.nan)
    shift = y_middle - np.einsum("...de,...e->...d", linear, x_middle)
    maps = np.concatenate([linear, shift[..., None]], axis=-1)
    return transforms.apply(maps, points), maps


def lay_on(points: ArrayLike, mean: ArrayLike, *, scale: bool = True, weights: ArrayLike | None = None) -> np.ndarray:
    """Maps that lay each shape on the mean, such that the mean, mapped back, fits the shape with least squares.

    `ordinary` with the roles exchanged: errors are counted where they were made, in the shape's own unit. What remains
    beside the mean, ``x - m``, is then orthogonal to the mean's shift, turn and, with `scale`, size. All sums are one
    matrix product, so that a hundred thousand shapes take a second or two.

    Parameters
    ----------
    points : (N, K, D), NaN left out
    mean : (K, D), or one for each shape, (N, K, D)
    scale, weights : as in `ordinary`

    Returns
    -------
    (N, D, D + 1); NaN where a shape has fewer than two points, or all in one place
    """
    points, mean = np.asarray(points, np.float64), np.asarray(mean, np.float64)
    n, k, d = points.shape
    mean_middle = mean.mean(axis=-2)
    m = mean - mean_middle[..., None, :]
    m_square = (m**2).sum(axis=(-1, -2))
    present = np.isfinite(points).all(axis=-1)
    if weights is None and present.all():
        weighted, total, counted = points, np.full(n, float(k)), np.full(n, k)
        m_middle, square = np.zeros((n, d)), m_square
    else:
        weight = np.where(present, 1.0 if weights is None else np.asarray(weights, np.float64), 0.0)
        weighted = np.where(present[..., None], points, 0.0) * weight[..., None]
        total, counted = weight.sum(axis=1), (weight > 0).sum(axis=1)
        total = np.where(total > 0, total, np.nan)
        m_middle = (weight[:, None] @ m)[:, 0] / total[:, None]
        square = (weight * (m**2).sum(axis=-1)).sum(axis=1) - (m_middle**2).sum(axis=1) * total
    if m.ndim == 2:  # columns for sum_k x_k m_k' and for sum_k x_k
        columns = np.einsum("ke,ij->kije", m, np.eye(d)).reshape(k * d, -1)
        sums = weighted.reshape(n, k * d) @ np.concatenate([columns, np.tile(np.eye(d), (k, 1))], axis=1)
        h, x_middle = sums[:, : d * d].reshape(n, d, d), sums[:, d * d :] / total[:, None]
    else:
        h, x_middle = np.swapaxes(weighted, 1, 2) @ m, weighted.sum(axis=1) / total[:, None]
    h = h - total[:, None, None] * x_middle[:, :, None] * m_middle[:, None, :]
    linear, fitted = _rotation(h, False)
    size = fitted / np.where(square > 1e-12 * total * m_square / k, square, np.nan)
    # What differs by rounding only is one place.
    known = (counted >= 2) & (size * np.sqrt(m_square / k) > 1e-13 * np.abs(x_middle).max(axis=1)) & (size > 0)
    size = np.where(known, size if scale else 1.0, np.nan)
    back = np.swapaxes(linear, -1, -2) / size[:, None, None]  # the inverse of s R
    start = m_middle + mean_middle - np.einsum("nde,ne->nd", back, x_middle)
    return np.concatenate([back, start[..., None]], axis=-1)


@dataclass(frozen=True)
class Generalised:
    """Shapes laid on their mean.

    Parameters
    ----------
    mean : (K, D), centred; of unit centroid size where sizes were taken out
    aligned : (N, K, D); complete shapes are centred and, likewise, of unit centroid size
    sizes : (N,) centroid size; of a shape with missing points, what it would have if these lay as in the mean
    maps : (N, D, D + 1) from the points to `aligned`
    iterations : rounds until the mean stood still
    """

    mean: np.ndarray
    aligned: np.ndarray
    sizes: np.ndarray
    maps: np.ndarray
    iterations: int


def generalised(
    points: ArrayLike, *, scale: bool = True, reflect: bool = False, tolerance: float = 1e-10
) -> Generalised:
    """Generalised Procrustes analysis (see the head of this file).

    The mean lies as the shapes do on average. Shapes that cannot be laid on it (fewer than two points) are NaN.

    Parameters
    ----------
    points : (N, K, D), NaN = missing
    scale : bring all to unit centroid size first; False keeps the sizes (rigid)
    reflect : allow mirror images
    tolerance : stop when the mean moves by less, in its centroid sizes

    Raises
    ------
    ValueError : no shape with two different points, or a point that no shape has
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 3 or points.shape[-1] not in (2, 3):
        raise ValueError(f"points have shape {points.shape}; expected (N, K, 2 or 3)")
    present = np.isfinite(points).all(axis=-1)
    points = np.where(present[..., None], points, np.nan)
    own = centroid_size(points)
    # What differs by rounding only is one place.
    extent = np.nanmax(np.abs(points), initial=0.0) if present.any() else 0.0
    usable = (present.sum(axis=1) >= 2) & (own > 1e-12 * extent)
    if not usable.any():
        raise ValueError("no shape has two points in different places; there is nothing to align")
    absent = np.flatnonzero(~present[usable].any(axis=0))
    if len(absent):
        raise ValueError(f"no shape has point {absent[0]}; leave it out, or give a shape that has it")
    points = np.where(usable[:, None, None], points, np.nan)

    start = int(np.argmax(np.where(usable, present.sum(axis=1), -1)))
    mean = points[start]
    mean = _centred(mean, own[start] if scale else 1.0)
    sizes, iterations = own, 0
    complete = present.all()
    for iterations in range(1, _MOST_ROUNDS + 1):
        aligned, maps, sizes = _onto(points, mean, own, scale, reflect, complete)
        count = np.isfinite(aligned).all(axis=-1).sum(axis=0)
        total = np.nansum(aligned, axis=0)
        new = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
        new = _centred(new, float(centroid_size(new)) if scale else 1.0)
        unit = float(centroid_size(new))
        moved = np.linalg.norm(np.where(np.isfinite(new), new - mean, 0.0)) if np.isfinite(mean).all() else np.inf
        stands = np.isfinite(mean).sum() == np.isfinite(new).sum() < mean.size
        mean = new
        if moved <= tolerance * unit or (stands and iterations > 2):
            break
    if not np.isfinite(mean).all():
        lost = int(np.flatnonzero(~np.isfinite(mean).all(axis=1))[0])
        raise ValueError(f"the shapes that have point {lost} share too few points with the others to be laid on them")
    _, maps, _ = _onto(points, mean, own, scale, reflect, complete)
    mean = mean @ _turn_back(maps).T
    aligned, maps, sizes = _onto(points, mean, own, scale, reflect, complete)
    return Generalised(mean, aligned, sizes, maps, iterations)


def tangent(aligned: ArrayLike, mean: ArrayLike) -> np.ndarray:
    """Aligned shapes of unit size, projected orthogonally into the tangent space at the mean.

    ``mean + (x - mean) - mean <x - mean, mean> / <mean, mean>``: what is left beside the mean's own direction, which is
    size (Dryden & Mardia 2016, section 4.4; the default of geomorph). Inner products go over the points present.

    Parameters
    ----------
    aligned : (N, K, D) of `generalised`
    mean : (K, D)

    Returns
    -------
    (N, K, D)
    """
    aligned, mean = np.asarray(aligned, np.float64), np.asarray(mean, np.float64)
    present = np.isfinite(aligned).all(axis=-1, keepdims=True)
    along = np.where(present, (aligned - mean) * mean, 0.0).sum(axis=(-1, -2), keepdims=True)
    square = np.where(present, mean**2, 0.0).sum(axis=(-1, -2), keepdims=True)
    return aligned - mean * np.divide(along, square, out=np.zeros_like(along), where=square > 0)


def _centroid(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(..., 1, D), weighted; NaN without any weight."""
    total = weight.sum(axis=-1)[..., None, None]
    summed = np.where(weight[..., None] > 0, points * weight[..., None], 0.0).sum(axis=-2, keepdims=True)
    return np.divide(
        summed, total, out=np.full(np.broadcast_shapes(summed.shape, total.shape), np.nan), where=total > 0
    )


def _centred(points: np.ndarray, size: float) -> np.ndarray:
    return (points - np.nanmean(points, axis=0)) / size


def _rotation(h: np.ndarray, reflect: bool) -> tuple[np.ndarray, np.ndarray]:
    """The best orthogonal R (..., D, D) for H = sum w y x', and trace(R' H), what it fits."""
    if h.shape[-1] == 2 and not reflect:
        c, s = h[..., 0, 0] + h[..., 1, 1], h[..., 1, 0] - h[..., 0, 1]
        length = np.hypot(c, s)
        c = np.divide(c, length, out=np.ones_like(length), where=length > 0)
        s = np.divide(s, length, out=np.zeros_like(length), where=length > 0)
        return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2), length
    bad = ~np.isfinite(h).all(axis=(-1, -2))
    u, singular, vt = np.linalg.svd(np.where(bad[..., None, None], 0.0, h))
    sign = np.ones_like(singular)
    if not reflect:
        sign[..., -1] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    return (u * sign[..., None, :]) @ vt, (singular * sign).sum(axis=-1)


def _onto(
    points: np.ndarray, mean: np.ndarray, own: np.ndarray, scale: bool, reflect: bool, complete: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Aligned, maps and sizes of shapes brought to the mean's size and turned onto it."""
    sizes = own
    if not complete:
        there = np.isfinite(points).all(axis=-1) & np.isfinite(mean).all(axis=-1)
        part = centroid_size(np.where(there[..., None], mean, np.nan))
        seen = centroid_size(np.where(there[..., None], points, np.nan))
        whole = float(centroid_size(mean))
        sizes = np.divide(seen * whole, part, out=np.full_like(own, np.nan), where=part > 0)
    if not scale:
        aligned, maps = ordinary(points, mean, scale=False, reflect=reflect)
        return aligned, maps, sizes
    divisor = np.where(sizes > 0, sizes, np.nan)[:, None, None]
    aligned, maps = ordinary(points / divisor, mean, scale=False, reflect=reflect)
    maps = np.concatenate([maps[..., :-1] / divisor, maps[..., -1:]], axis=-1)
    return aligned, maps, sizes


def _turn_back(maps: np.ndarray) -> np.ndarray:
    """The rotation (D, D) after which the average turn of the maps is none."""
    linear = maps[np.isfinite(maps).all(axis=(-1, -2))][..., :-1]
    linear = linear / np.cbrt(np.abs(np.linalg.det(linear)))[:, None, None] if linear.shape[-1] == 3 else linear
    if linear.shape[-1] == 2:
        linear = linear / np.sqrt(np.abs(np.linalg.det(linear)))[:, None, None]
    u, _, vt = np.linalg.svd(linear.sum(axis=0))
    sign = np.ones(len(u))
    sign[-1] = np.sign(np.linalg.det(u @ vt))
    return ((u * sign) @ vt).T
