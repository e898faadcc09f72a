"""Estimators over rows that do not fit in memory.

``fit_blocks`` goes through the rows a few times, a block at a time: once to draw a sample, from which the landmarks are
chosen; then once for each round of sums that the estimator needs (one for clustering, kernel PCA; none for scaling; two
and three for spectral embedding and diffusion maps). The sample holds the rows whose hashes are smallest, so it, and
everything after it, is the same however the rows are divided and whoever adds them up: `fit_by` is the same walk with
another way of adding up, which `cairn.distributed` gives it.

What it returns is a copy whose ``selector`` is the landmarks that were chosen: ``fit(X)`` of that copy on all rows at
once gives the same answer to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from cairn.points.blocks import RowBlocks
from cairn.points.clustering.choose import chosen_landmarks
from cairn.points.clustering.row_sample import RowSample
from cairn.points.distinct import row_hash
from cairn.points.embedding.summed import SummedEmbedding, add_sums
from cairn.points.selectors import make_selector
from cairn.points.selectors.given import given_landmarks

__all__ = ["SAMPLE_ROWS", "fit_blocks", "fit_by", "predict_blocks", "sample_rows", "transform_blocks"]

SAMPLE_ROWS = 50_000

Sums = tuple[Any, ...]
Gather = Callable[[Callable[[Any], Sums]], Sums]


def fit_blocks(estimator: Any, data: Any, *, sample: int = SAMPLE_ROWS, columns=None) -> Any:
    """A fitted copy of an estimator, from rows in blocks.

    Parameters
    ----------
    estimator : of `cairn.points`; not LandmarkIsomap, LandmarkSpectralEnsemble, LandmarkExtension, which look at all
        rows together: fit those on `sample_rows(data)`
    data : an array, a list of arrays, the path of a ``.npy`` or ``.parquet`` file, a Dask array; see `RowBlocks`
    sample : most distinct rows that landmarks are chosen from
    columns : of Parquet, names of columns

    Returns
    -------
    a copy with ``selector`` set to the chosen landmarks; without ``labels_``, which `predict_blocks` gives
    """
    rows = RowBlocks(data, columns=columns)
    first = next(iter(rows))[:1]
    return fit_by(estimator, lambda function: add_sums(map(function, rows)), first, sample=sample)


def fit_by(estimator: Any, gather: Gather, first: Any, *, sample: int = SAMPLE_ROWS) -> Any:
    """`fit_blocks` with another way of adding up.

    Parameters
    ----------
    estimator : see `fit_blocks`
    gather : callable; of a function (block -> tuple of things that add up), its sum over all blocks, in any order
    first : (1 or more, n_features) some rows, for their columns and type
    sample : most distinct rows that landmarks are chosen from
    """
    model = clone(estimator)
    if not hasattr(model, "_rounds") or getattr(model, "metric", "") == "precomputed":
        raise ValueError(
            f"{type(model).__name__} looks at all rows together and cannot be fitted in blocks: fit it on "
            "sample_rows(data), and let predict_blocks or transform_blocks give the rest."
        )
    landmarks = given_landmarks(model.selector, first.shape[1])
    rows = first
    if landmarks is None or getattr(model, "_begins_with_rows", False):
        rows = gather(partial(_sample, sample, _salt(model.random_state)))[0].columns[0]
    if landmarks is None:
        if isinstance(model, SummedEmbedding):
            landmarks = make_selector(model.selector, model.n_landmarks, model.random_state).fit(rows).points_
        else:
            landmarks = chosen_landmarks(
                model.selector, model.n_landmarks, rows, model.random_state, model.n_clusters or 1
            )
        model.set_params(selector=landmarks)
    rows = _checked(model, rows)
    model.n_features_in_ = rows.shape[1]
    model._begin(rows, np.random.default_rng(0))
    total = None
    for round_ in model._rounds():
        total = gather(partial(_sums, model, round_))
        model._use(round_, total)
    if isinstance(model, SummedEmbedding):
        model._total = total
    return model


def transform_blocks(estimator: Any, data: Any, *, columns=None) -> Iterator[np.ndarray]:
    """``transform`` of each block in turn, arrays (n, n_components); `write_blocks` puts them into a file."""
    for block in RowBlocks(data, columns=columns):
        yield estimator.transform(block)


def predict_blocks(estimator: Any, data: Any, *, columns=None) -> Iterator[np.ndarray]:
    """``predict`` of each block in turn, arrays (n,)."""
    for block in RowBlocks(data, columns=columns):
        yield estimator.predict(block)


def sample_rows(data: Any, count: int = SAMPLE_ROWS, *, random_state=None, columns=None) -> Any:
    """At most `count` distinct rows, drawn at random and the same however the data is divided.

    Returns
    -------
    (m, n_features) of the data's type
    """
    rows = RowBlocks(data, columns=columns)
    return add_sums(_sample(count, _salt(random_state), block) for block in rows)[0].columns[0]


def _sums(model: Any, round_: str, block: Any) -> Sums:
    return model._sums(round_, _checked(model, block))


def _sample(count: int, salt: np.uint64, block: Any) -> tuple[RowSample]:
    # A hash that is multiplied by an odd number is as good a hash, and orders the rows anew.
    return (RowSample.of(count, row_hash(block) * salt, block),)


def _salt(random_state: Any) -> np.uint64:
    high, low = check_random_state(random_state).randint(0, 2**32, 2, dtype=np.uint64)
    return np.uint64(high << np.uint64(32) | low | np.uint64(1))


def _checked(model: Any, block: Any) -> Any:
    block = check_array(block, accept_sparse="csr", dtype=[np.float64, np.float32], estimator=model)
    if block.shape[1] != getattr(model, "n_features_in_", block.shape[1]):
        raise ValueError(
            f"X has {block.shape[1]} features, but {type(model).__name__} is expecting {model.n_features_in_} features "
            "as input."
        )
    return block
