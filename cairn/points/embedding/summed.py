"""Embeddings that are fitted by sums over rows.

The landmarks, and what follows from them alone, come first (`_begin`). All else that an embedding learns of the rows is
a sum over them, in one or a few *rounds*, each of which may use what the rounds before it found. Sums over blocks add
up in any order, so the rows may come in one piece, in blocks (`cairn.points.streams`) or on many machines
(`cairn.distributed`), with the same answer to rounding. Where one round is enough, `partial_fit` and `merge` exist.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cairn.points.distances import blocks
from cairn.points.embedding.contract import LandmarkEmbedding
from cairn.points.selectors.contract import generator

__all__ = ["SummedEmbedding", "add_sums"]

Sums = tuple[Any, ...]


def add_sums(sums: Iterable[Sums]) -> Sums:
    """The sums of several blocks, number by number."""
    return reduce(lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True)), sums)


def _in_one_round(embedding: SummedEmbedding) -> bool:
    return len(embedding._rounds()) <= 1 and not embedding._is_pairwise()


class SummedEmbedding(LandmarkEmbedding):
    """See the module. A subclass gives `_begin`, `_rounds`, `_sums_of`, `_use` and `_embed`."""

    @abstractmethod
    def _begin(self, X, rng: np.random.Generator) -> None:
        """Choose landmarks of checked rows, or of a sample of them, and what follows from these."""

    def _rounds(self) -> tuple[str, ...]:
        """Names of the rounds of sums, in order."""
        return ()

    def _sums_of(self, round_: str, X) -> Sums:
        """What a few checked rows give to the sums of a round."""
        raise NotImplementedError

    def _use(self, round_: str, sums: Sums) -> None:
        """Learn from the sums over all rows; called again when rows were added."""

    def _sums(self, round_: str, X) -> Sums:
        parts = blocks(X.shape[0], self._block_width(X))
        return add_sums(self._sums_of(round_, X[part]) for part in parts)

    def _fit(self, X, rng):
        self._begin(X, rng)
        self._total: Sums | None = None
        for round_ in self._rounds():
            self._total = self._sums(round_, X)
            self._use(round_, self._total)

    @available_if(_in_one_round)
    def partial_fit(self, X, y=None):
        """Add rows to what was fitted before.

        Parameters
        ----------
        X : (n_samples, n_features); the first block chooses the landmarks, where `selector` is no array of them
        y : ignored

        Returns
        -------
        self
        """
        first = not hasattr(self, "_total")
        X = self._checked(X, reset=first)
        if first:
            self._begin(X, generator(self.random_state))
            self._total = None
        for round_ in self._rounds():
            sums = self._sums(round_, X)
            self._total = sums if self._total is None else add_sums([self._total, sums])
            self._use(round_, self._total)
        return self

    @available_if(_in_one_round)
    def merge(self, other):
        """Add the rows that another estimator was fitted on; in any order, with the same answer to rounding.

        Parameters
        ----------
        other : of the same class, fitted over the same landmarks; it is left as it is

        Returns
        -------
        self

        Raises
        ------
        ValueError : where landmarks or settings differ
        """
        check_is_fitted(self)
        check_is_fitted(other)
        same = type(self) is type(other) and _same(self.landmarks_, other.landmarks_)
        if not same or self._settings() != other._settings():
            raise ValueError(
                "The pieces were fitted with other landmarks or settings: give all the same landmarks as selector."
            )
        for round_ in self._rounds():
            assert self._total is not None
            self._total = add_sums([self._total, other._total])
            self._use(round_, self._total)
        return self

    def _settings(self) -> dict[str, object]:
        chosen = ("selector", "n_landmarks", "random_state")
        return {name: value for name, value in self.get_params(deep=False).items() if name not in chosen}


def _same(a, b) -> bool:
    if hasattr(a, "tocsr") or hasattr(b, "tocsr"):
        return a.shape == b.shape and (a != b).nnz == 0 if hasattr(a, "tocsr") and hasattr(b, "tocsr") else False
    return np.array_equal(a, b)
