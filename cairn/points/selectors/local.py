"""Landmarks in every region: small groups are heard, however many rows the large ones have.

X is divided into regions (labels, or clusters) and another selector chooses within each. How many a region gets:

- ``"equal"``: as many as every other;
- ``"size"``: in proportion to its rows;
- ``"error"``: in proportion to its sum of squared distances to its mean;
- ``"density"``: by the best density of points for quantising, ``f^(d/(d+2))`` of the density f of rows (Zador 1982): a
  region of n rows and spread s gets a share of ``(n s^2)^(d/(d+2))``, between equal and error; d is the effective
  dimension within regions (the squared trace of the covariance over its squared norm).

Every region gets one at least, and no more than it has rows.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length, column_or_1d

from cairn.points.selectors.contract import LandmarkSelector
from cairn.points.selectors.max_min import MaxMinLandmarks

__all__ = ["ALLOCATIONS", "LocalLandmarks", "share_out"]

ALLOCATIONS = ("equal", "size", "error", "density")


def share_out(count: int, weights: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Whole numbers that sum to `count`, near proportion to `weights`, each from 1 to its `most` (largest remainder).

    Parameters
    ----------
    count : at least the number of regions, at most ``most.sum()``
    weights, most : (regions,)
    """
    given = np.ones(len(weights), np.intp)
    weights = np.where(np.isfinite(weights) & (weights > 0), weights, 0.0)
    while (left := count - given.sum()) > 0:
        open_ = given < most
        share = np.where(open_, weights, 0.0)
        share = share if share.sum() > 0 else open_.astype(float)
        # The ideal of what is still open, all told; a region that already has more gets none.
        ideal = share / share.sum() * (left + given[open_].sum()) - given
        ideal = np.where(open_, np.maximum(ideal, 0), 0)
        ideal *= left / ideal.sum()
        whole = np.minimum(np.floor(ideal).astype(np.intp), most - given)
        if whole.sum() == 0:
            for region in np.argsort(-ideal, kind="stable")[:left]:
                whole[region] = int(given[region] < most[region])
        given += whole
    return given


class LocalLandmarks(LandmarkSelector):
    """Landmarks chosen within each region of the data.

    Parameters
    ----------
    n_landmarks : int or None (100, or all rows where there are fewer), in all regions together
    selector : a selector, used in each region; None is `MaxMinLandmarks`
    regions : int, so many clusters of mini-batch k-means; "y", the labels given to fit; or a clusterer
    allocation : "equal", "size", "error" or "density"; see the module
    random_state : int, RandomState or None

    Attributes
    ----------
    indices_ : (n_landmarks,) rows of X, region after region; None where `selector` gives none
    points_ : (n_landmarks, n_features)
    regions_ : (n_samples,) the region of each row
    landmark_regions_ : (n_landmarks,) the region of each landmark
    """

    def __init__(self, n_landmarks=None, *, selector=None, regions=8, allocation="equal", random_state=None):
        self.n_landmarks = n_landmarks
        self.selector = selector
        self.regions = regions
        self.allocation = allocation
        self.random_state = random_state

    def _choose(self, X, y, count, rng):
        if self.allocation not in ALLOCATIONS:
            raise ValueError(f"allocation={self.allocation!r}: expected one of {', '.join(ALLOCATIONS)}.")
        labels = self._labels(X, y, rng)
        names, region = np.unique(labels, return_inverse=True)
        sizes = np.bincount(region)
        if self.n_landmarks is not None and count < len(names):
            raise ValueError(f"n_landmarks={count} is fewer than the {len(names)} regions, each of which needs one.")
        given = share_out(max(count, len(names)), self._weights(X, region, sizes), sizes)
        order = np.argsort(region, kind="stable")
        indices: list[np.ndarray] = []
        points, homes = [], []
        for i, (rows, n) in enumerate(zip(np.split(order, np.cumsum(sizes)[:-1]), given, strict=True)):
            chooser = MaxMinLandmarks() if self.selector is None else clone(self.selector)
            chooser.set_params(n_landmarks=int(n), random_state=int(rng.integers(2**31 - 1)))
            chosen = _fit_region(chooser, X[rows], names[i])
            points.append(chosen.points_)
            if chosen.indices_ is not None:
                indices.append(rows[chosen.indices_])
            homes.append(np.repeat(names[i], chosen.points_.shape[0]))
        self.regions_, self.landmark_regions_ = labels, np.concatenate(homes)
        stack = sparse.vstack(points, format="csr") if sparse.issparse(points[0]) else np.concatenate(points)
        return np.concatenate(indices) if indices else None, stack

    def _labels(self, X, y, rng) -> np.ndarray:
        if isinstance(self.regions, str) and self.regions == "y":
            if y is None:
                raise ValueError("regions='y' takes the labels given to fit, and fit was given y=None.")
            labels = column_or_1d(y)
            check_consistent_length(X, labels)
            return labels
        seed = int(rng.integers(2**31 - 1))
        if hasattr(self.regions, "fit_predict"):
            clusterer = clone(self.regions)
            if "random_state" in clusterer.get_params() and clusterer.get_params()["random_state"] is None:
                clusterer.set_params(random_state=seed)
        elif isinstance(self.regions, (int, np.integer)) and self.regions >= 1:
            limit = X.shape[0] if self.n_landmarks is None else self.n_landmarks
            clusterer = MiniBatchKMeans(min(self.regions, limit), n_init=3, batch_size=4096, random_state=seed)
        else:
            raise ValueError(f"regions={self.regions!r}: expected a number of at least 1, 'y', or a clusterer.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters: fewer regions
            return clusterer.fit_predict(X)

    def _weights(self, X, region: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        if self.allocation == "equal":
            return np.ones(len(sizes))
        if self.allocation == "size":
            return sizes.astype(float)
        error = np.zeros(len(sizes))
        within = np.zeros((X.shape[1],) * 2)
        for i, n in enumerate(sizes):
            rows = X[region == i]
            if sparse.issparse(rows):
                mean = np.asarray(rows.mean(axis=0), np.float64).ravel()
                scatter = (rows.T @ rows).toarray() - n * np.outer(mean, mean)
            else:
                rows = rows - rows.mean(axis=0)
                scatter = rows.T @ rows
            error[i] = max(float(np.trace(scatter)), 0)
            within += scatter
        if self.allocation == "error":
            return error
        dimension = np.trace(within) ** 2 / max(float((within**2).sum()), np.finfo(float).tiny)
        return error ** (dimension / (dimension + 2))


def _fit_region(chooser, rows, name):
    """Fewer different rows than the region's share: it gives as many as it has."""
    try:
        return chooser.fit(rows)
    except ValueError as error:
        if "different landmarks" not in str(error):
            raise ValueError(f"region {name!r}: {error}") from error
        return chooser.set_params(n_landmarks=None).fit(rows)
