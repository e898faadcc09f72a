"""Greedy matching of predictions to truths, and average precision, as the COCO evaluation defines them.

Matching (Everingham et al. 2010; Lin et al. 2014): predictions take their turn by falling score, each picks the most
similar truth that is still free and at least `threshold` similar; among equals the later one. A prediction without a
truth is false. Two exceptions of COCO's: truths that are *ignored* (crowds, outside the range of areas, without labels)
are picked only where no other fits, and what picks them is neither right nor false; a *crowd* may be picked many times.

Average precision: precision made to fall monotonously with recall, read at the 101 recalls 0, 0.01, ..., 1 and
averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Matched", "average_precision", "match", "match_all"]

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Matched:
    """What became of P predictions in M images at R thresholds.

    Parameters
    ----------
    scores : (P,)
    right : (R, P) bool: took a truth that counts
    counted : (R, P) bool: right or false; not so where it took an ignored truth
    image : (P,) index of the image
    positives : (M,) number of truths that count
    """

    scores: np.ndarray
    right: np.ndarray
    counted: np.ndarray
    image: np.ndarray
    positives: np.ndarray

    def of_images(self, images: ArrayLike) -> Matched:
        """The same for a choice of images, in which one may stand several times (a bootstrap sample)."""
        images = np.asarray(images, int)
        times = np.bincount(images, minlength=len(self.positives))
        rows = np.repeat(np.arange(len(self.scores)), times[self.image])
        return Matched(
            self.scores[rows], self.right[:, rows], self.counted[:, rows], self.image[rows], self.positives * times
        )


def match(
    similarity: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    ignored: ArrayLike | None = None,
    crowd: ArrayLike | None = None,
) -> np.ndarray:
    """Greedy matching within one image.

    Parameters
    ----------
    similarity : (P, T) of each prediction with each truth: IoU or OKS
    scores : (P,) of the predictions
    threshold : least similarity
    ignored, crowd : (T,) bool; see the head of this file

    Returns
    -------
    (P,) int: index of the truth that the prediction took, -1 for none
    """
    similarity = np.asarray(similarity, float)
    predictions, truths = similarity.shape
    ignored = np.zeros(truths, bool) if ignored is None else np.asarray(ignored, bool)
    crowd = np.zeros(truths, bool) if crowd is None else np.asarray(crowd, bool)
    threshold = min(threshold, 1 - 1e-10)
    free = np.ones(truths, bool)
    taken = np.full(predictions, -1)
    # Later ones win among equals, and in COCO's order the ignored stand last.
    order = np.argsort(ignored, kind="stable")[::-1]
    for p in np.argsort(-np.asarray(scores, float), kind="stable"):
        fits = free & (similarity[p] >= threshold)
        if (fits & ~ignored).any():
            fits &= ~ignored
        if not fits.any():
            continue
        candidates = order[fits[order]]
        best = candidates[np.argmax(similarity[p, candidates])]
        taken[p] = best
        free[best] = crowd[best]
    return taken


def match_all(
    similarities: Sequence[ArrayLike],
    scores: Sequence[ArrayLike],
    thresholds: ArrayLike,
    ignored: Sequence[ArrayLike] | None = None,
    crowd: Sequence[ArrayLike] | None = None,
    outside: Sequence[ArrayLike] | None = None,
    most: int | None = None,
) -> Matched:
    """Greedy matching in each of M images at each of R thresholds.

    Parameters
    ----------
    similarities : M arrays (P_i, T_i)
    scores : M arrays (P_i,)
    thresholds : (R,)
    ignored, crowd : M arrays (T_i,) bool
    outside : M arrays (P_i,) bool: predictions outside the range of areas, which are not false when they match nothing
    most : only so many predictions an image, the best by score
    """
    thresholds = np.atleast_1d(np.asarray(thresholds, float))
    tables, positives = [], []
    for i, given in enumerate(similarities):
        similarity, score = np.asarray(given, float), np.asarray(scores[i], float)
        skip = np.zeros(similarity.shape[1], bool) if ignored is None else np.asarray(ignored[i], bool)
        many = np.zeros(similarity.shape[1], bool) if crowd is None else np.asarray(crowd[i], bool)
        out = np.zeros(len(score), bool) if outside is None else np.asarray(outside[i], bool)
        rows = np.argsort(-score, kind="stable")[:most]
        similarity, score, out = similarity[rows], score[rows], out[rows]
        taken = np.stack([match(similarity, score, t, skip | many, many) for t in thresholds])
        hit = taken >= 0
        left_out = np.zeros_like(hit)
        left_out[hit] = (skip | many)[taken[hit]]
        tables.append((score, hit & ~left_out, np.where(hit, ~left_out, ~out), np.full(len(rows), i)))
        positives.append((~(skip | many)).sum())
    if not tables:
        none = np.zeros((len(thresholds), 0), bool)
        return Matched(np.empty(0), none, none, np.empty(0, int), np.empty(0, int))
    score, right, counted, image = (np.concatenate(column, axis=-1) for column in zip(*tables, strict=True))
    return Matched(score, right, counted, image, np.array(positives))


def average_precision(matched: Matched) -> np.ndarray:
    """Average precision at each threshold.

    Returns
    -------
    (R,) in [0, 1]; NaN where no truth counts
    """
    total = matched.positives.sum()
    if not total:
        return np.full(len(matched.right), np.nan)
    order = np.argsort(-matched.scores, kind="stable")
    result = []
    for right, counted in zip(matched.right[:, order], matched.counted[:, order], strict=True):
        true = np.cumsum(right)
        false = np.cumsum(counted & ~right)
        precision = true / np.maximum(true + false, np.finfo(float).tiny)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(true / total, _RECALLS, side="left")
        result.append(np.append(envelope, 0.0)[at].mean())
    return np.array(result)
