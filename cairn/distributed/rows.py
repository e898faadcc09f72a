"""The estimators of `cairn.points` over rows that many workers read.

Fitting: each worker adds up one piece of the rows at a time, and sums are added up in a tree, eight at a time, by the
workers too; what is fitted is what `cairn.points.fit_blocks` fits, to rounding. A worker that dies costs the piece that
it was at, which another one does again.

Transforming: the fitted estimator lies once on each machine. Every answer carries the number of its row.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cairn.distributed.cluster import connect
from cairn.points.blocks import BLOCK_ROWS, Piece, RowBlocks, arrow_rows
from cairn.points.embedding.summed import add_sums
from cairn.points.streams import SAMPLE_ROWS, fit_by

if TYPE_CHECKING:
    import ray.data

__all__ = ["FAN_IN", "fit_ray", "predict_ray", "transform_ray"]

FAN_IN = 8
"""Sums that are added up at once: at 8 MB each, what a worker easily holds."""
IN_FLIGHT = 4
"""Pieces for each CPU that are handed out ahead."""
RETRIES = 3


def fit_ray(
    estimator: Any,
    data: Any,
    *,
    sample: int = SAMPLE_ROWS,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    workers: int | None = None,
) -> Any:
    """A fitted copy of an estimator, from rows that workers read.

    Parameters
    ----------
    estimator : see `cairn.points.fit_blocks`
    data : what `cairn.points.RowBlocks` takes, where the path of a file must lead somewhere on every worker; or a Ray
        dataset, whose columns of numbers are taken
    sample : most distinct rows that landmarks are chosen from
    columns : of Parquet and Ray datasets, names of columns
    rows : most rows in a block, which is what a worker holds; None is what `RowBlocks` takes
    workers : CPUs, where Ray is started here; None takes all

    Returns
    -------
    what `fit_blocks` returns
    """
    ray = connect(workers)
    if isinstance(data, ray.data.Dataset):
        chosen = data if columns is None else data.select_columns(list(columns))
        pieces, most = chosen.to_arrow_refs(), rows or BLOCK_ROWS
        first = arrow_rows(ray.get(ray.remote(_head).remote(pieces[0])))
    else:
        blocks = RowBlocks(data, columns=columns, rows=rows)
        pieces, most = [ray.put(_alone(piece)) for piece in blocks.pieces], blocks.rows
        first = next(blocks.pieces[0].blocks(1))
    return fit_by(estimator, lambda function: _gather(ray, function, pieces, most), first, sample=sample)


def transform_ray(estimator: Any, data: Any, **how: Any) -> ray.data.Dataset:
    """``transform`` of all rows; `how` as in `fit_ray`.

    Returns
    -------
    dataset with the columns ``row`` (the number of the row) and ``values`` (its coordinates), in any order; where a Ray
    dataset was given, that with the column ``values``
    """
    return _apply("transform", "values", estimator, data, **how)


def predict_ray(estimator: Any, data: Any, **how: Any) -> ray.data.Dataset:
    """``predict`` for all rows; `how` as in `fit_ray`.

    Returns
    -------
    dataset with the columns ``row`` (the number of the row) and ``label``, in any order; where a Ray dataset was given,
    that with the column ``label``
    """
    return _apply("predict", "label", estimator, data, **how)


def _alone(piece: Piece) -> Piece:
    """The piece without the array that it is a part of."""
    if isinstance(piece.source, str) or hasattr(piece.source, "__dask_graph__"):
        return piece
    part = piece.source[piece.start : piece.stop]
    return replace(piece, source=np.array(part) if isinstance(part, np.ndarray) else part, start=0, stop=piece.rows)


# --- sums ---


def _gather(ray: Any, function: Callable, pieces: list[Any], most: int) -> tuple:
    """The sum of ``function(block)`` over all blocks, added up in a tree."""
    one = ray.remote(max_retries=RETRIES)(_sums_of_piece)
    tree = ray.remote(max_retries=RETRIES)(_add)
    given = ray.put(function)
    ahead = IN_FLIGHT * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = list(reversed(pieces))
    running: list[Any] = []
    done: list[Any] = []
    while waiting or running or len(done) > 1:
        while waiting and len(running) < ahead:
            running.append(one.remote(given, waiting.pop(), most))
        while len(done) >= FAN_IN or (not waiting and not running and len(done) > 1):
            running.append(tree.remote(*done[:FAN_IN]))
            del done[:FAN_IN]
        if running:
            ready, running = ray.wait(running, num_returns=1)
            done += ready
    return ray.get(done[0])


def _sums_of_piece(function: Callable, piece: Any, most: int) -> tuple:
    if isinstance(piece, Piece):
        return add_sums(map(function, piece.blocks(most)))
    return add_sums(function(arrow_rows(piece.slice(at, most))) for at in range(0, piece.num_rows, most))


def _head(table: Any) -> Any:
    return table.slice(0, 1)


def _add(*sums: tuple) -> tuple:
    return add_sums(sums)


# --- answers ---


def _apply(
    method: str,
    name: str,
    estimator: Any,
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    workers: int | None = None,
) -> ray.data.Dataset:
    ray = connect(workers)
    landmarks = getattr(estimator, "landmarks_", None)
    if landmarks is not None:  # what is found when it is first asked for is found once, here
        getattr(estimator, method)(landmarks[:1])
    given = ray.put(estimator)  # held once by each machine
    if isinstance(data, ray.data.Dataset):
        taken = None if columns is None else list(columns)
        return data.map_batches(
            _answers_beside,
            fn_args=(given,),
            fn_kwargs={"method": method, "name": name, "columns": taken},
            batch_size=rows or BLOCK_ROWS,
            batch_format="pyarrow",
        )
    blocks = RowBlocks(data, columns=columns, rows=rows)
    items = [{"piece": pickle.dumps(_alone(piece))} for piece in blocks.pieces]
    pieces = ray.data.from_items(items, override_num_blocks=len(items))
    how = {"method": method, "name": name, "most": blocks.rows}
    return pieces.map_batches(_answers, fn_args=(given,), fn_kwargs=how, batch_size=1)


def _answers(batch: dict[str, Any], given: Any, method: str, name: str, most: int) -> Iterator[dict[str, np.ndarray]]:
    import ray

    estimator = ray.get(given)
    for packed in batch["piece"]:
        piece = pickle.loads(packed)
        at = piece.first
        for block in piece.blocks(most):
            answers = getattr(estimator, method)(block)
            yield {"row": np.arange(at, at + len(answers)), name: answers}
            at += len(answers)


def _answers_beside(table: Any, given: Any, method: str, name: str, columns: list[str] | None) -> Any:
    import pyarrow
    import ray

    answers = getattr(ray.get(given), method)(arrow_rows(table if columns is None else table.select(columns)))
    if answers.ndim == 1:
        return table.append_column(name, pyarrow.array(answers))
    flat = pyarrow.array(np.ascontiguousarray(answers).ravel())
    return table.append_column(name, pyarrow.FixedSizeListArray.from_arrays(flat, answers.shape[1]))
