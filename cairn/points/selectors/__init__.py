"""Selectors: which few points stand for all. `SELECTORS` names them; `contract` says what each of them keeps."""

from __future__ import annotations

from sklearn.base import clone

from cairn.points.selectors.contract import LandmarkSelector
from cairn.points.selectors.dpp import DPPLandmarks, GreedyDPPLandmarks
from cairn.points.selectors.hybrid import HybridLandmarks
from cairn.points.selectors.kmeans import KMeansLandmarks, MiniBatchKMeansLandmarks
from cairn.points.selectors.kmeans_plus_plus import KMeansPlusPlusLandmarks
from cairn.points.selectors.leverage import LeverageLandmarks
from cairn.points.selectors.local import LocalLandmarks
from cairn.points.selectors.max_min import MaxMinLandmarks
from cairn.points.selectors.random import RandomLandmarks
from cairn.points.selectors.union import UnionLandmarks

__all__ = [
    "SELECTORS",
    "DPPLandmarks",
    "GreedyDPPLandmarks",
    "HybridLandmarks",
    "KMeansLandmarks",
    "KMeansPlusPlusLandmarks",
    "LandmarkSelector",
    "LeverageLandmarks",
    "LocalLandmarks",
    "MaxMinLandmarks",
    "MiniBatchKMeansLandmarks",
    "RandomLandmarks",
    "UnionLandmarks",
    "make_selector",
]

SELECTORS: dict[str, type[LandmarkSelector]] = {
    "random": RandomLandmarks,
    "kmeans": KMeansLandmarks,
    "minibatch-kmeans": MiniBatchKMeansLandmarks,
    "hybrid": HybridLandmarks,
    "kmeans++": KMeansPlusPlusLandmarks,
    "max-min": MaxMinLandmarks,
    "leverage": LeverageLandmarks,
    "dpp": DPPLandmarks,
    "greedy-dpp": GreedyDPPLandmarks,
    "local": LocalLandmarks,
    "union": UnionLandmarks,
}


def make_selector(selector, n_landmarks: int | None = None, random_state=None) -> LandmarkSelector:
    """The selector that an estimator was asked to use, unfitted.

    Parameters
    ----------
    selector : a name in `SELECTORS`, or a selector, which is cloned
    n_landmarks : set where it is not None
    random_state : set where the selector has none of its own
    """
    if isinstance(selector, str):
        if selector not in SELECTORS:
            raise ValueError(f"selector={selector!r}: expected a selector or one of {', '.join(SELECTORS)}.")
        made = SELECTORS[selector]()
    else:
        if not hasattr(selector, "fit") or not hasattr(selector, "get_params"):
            raise ValueError(f"selector={selector!r}: expected a selector or one of {', '.join(SELECTORS)}.")
        made = clone(selector)
    settings = made.get_params(deep=False)
    if n_landmarks is not None:
        if "n_landmarks" not in settings:
            raise ValueError(f"n_landmarks={n_landmarks} cannot be set on {type(made).__name__}: leave it None.")
        made.set_params(n_landmarks=n_landmarks)
    if settings.get("random_state") is None and random_state is not None:
        made.set_params(random_state=random_state)
    return made
