"""The public check of selectors: what ``cairn.points.selectors.contract`` promises, tried out."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import clone

__all__ = ["check_selector"]


def check_selector(selector, X=None, y=None) -> None:
    """Raise AssertionError with one sentence where a selector breaks the contract.

    Parameters
    ----------
    selector : unfitted; it is cloned
    X : (n_samples, n_features) with some different rows; None is 60 drawn rows of 3 columns
    y : (n_samples,) labels, where the selector needs them
    """
    name = type(selector).__name__
    if X is None:
        X = np.random.default_rng(0).normal(size=(60, 3))
    if y is None:
        y = np.arange(X.shape[0]) % 3
    before = X.copy()
    asked = selector.get_params(deep=False).get("n_landmarks")

    def fitted(rows=X, **changes):
        made = clone(selector)
        seed = {"random_state": 7} if "random_state" in made.get_params(deep=False) else {}
        return made.set_params(**seed, **changes).fit(rows, y)

    one, two = fitted(), fitted()
    _require(_equal(one.points_, two.points_), f"{name}: the same random_state gave other landmarks.")
    _require(_equal(X, before), f"{name}: fit changed X.")
    _require(one.points_.shape[1] == X.shape[1], f"{name}: points_ has other columns than X.")
    _require(one.points_.dtype == X.dtype, f"{name}: points_ is {one.points_.dtype}, X is {X.dtype}.")
    if asked is not None:
        _require(one.points_.shape[0] == asked, f"{name}: {one.points_.shape[0]} landmarks, {asked} were asked for.")
    _require(hasattr(one, "indices_"), f"{name}: fit left no indices_ (None where landmarks are no rows).")
    if one.indices_ is not None:
        _require(len(set(one.indices_.tolist())) == len(one.indices_), f"{name}: a row was chosen twice.")
        _require(_equal(X[one.indices_], one.points_), f"{name}: points_ are not the rows indices_ of X.")
    distances = one.transform(X)
    _require(distances.shape == (X.shape[0], one.points_.shape[0]), f"{name}: transform has the wrong shape.")
    _require(distances.dtype == X.dtype, f"{name}: transform gives {distances.dtype}, X is {X.dtype}.")
    if one.indices_ is not None:
        own = distances[one.indices_, np.arange(len(one.indices_))]
        _require(own.max() <= 1e-3 * distances.max(), f"{name}: a landmark is not at distance 0 from itself.")
    single = fitted(X.astype(np.float32))
    _require(single.points_.dtype == np.float32, f"{name}: float32 was not kept.")
    if "n_landmarks" in selector.get_params(deep=False):
        _refuses(lambda: fitted(n_landmarks=X.shape[0] + 1), f"{name} took more landmarks than X has rows.")
    if not sparse.issparse(X):
        holed = X.copy()
        holed[0, 0] = np.nan
        _refuses(lambda: fitted(holed), f"{name} took a NaN.")


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def _refuses(call, sentence: str) -> None:
    try:
        call()
    except ValueError:
        return
    raise AssertionError(sentence)


def _equal(a, b) -> bool:
    if sparse.issparse(a):
        return sparse.issparse(b) and a.shape == b.shape and (a != b).nnz == 0
    return np.array_equal(a, b)
