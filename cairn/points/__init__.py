"""Landmarks as chosen data points: a few rows of a table (or means of rows) that stand for all of it.

scikit-learn estimators on plain arrays, dense or sparse; nothing here knows about pictures. `selectors` choose the
landmarks, `embedding` reduces dimensions by them and `clustering` finds groups by them, at sizes where methods that
compare all rows with all stop. Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "KASP": "cairn.points.clustering",
    "LandmarkExtension": "cairn.points.clustering",
    "LandmarkSpectralClustering": "cairn.points.clustering",
    "LandmarkSpectralEnsemble": "cairn.points.clustering",
    "RowBlocks": "cairn.points.blocks",
    "write_blocks": "cairn.points.blocks",
    "fit_blocks": "cairn.points.streams",
    "predict_blocks": "cairn.points.streams",
    "sample_rows": "cairn.points.streams",
    "transform_blocks": "cairn.points.streams",
    "DPPLandmarks": "cairn.points.selectors",
    "GreedyDPPLandmarks": "cairn.points.selectors",
    "HybridLandmarks": "cairn.points.selectors",
    "KMeansLandmarks": "cairn.points.selectors",
    "KMeansPlusPlusLandmarks": "cairn.points.selectors",
    "LandmarkStressMDS": "cairn.points.embedding",
    "LandmarkSpectralEmbedding": "cairn.points.embedding",
    "LandmarkMDS": "cairn.points.embedding",
    "LandmarkKernelPCA": "cairn.points.embedding",
    "LandmarkIsomap": "cairn.points.embedding",
    "LandmarkDiffusionMap": "cairn.points.embedding",
    "LandmarkSelector": "cairn.points.selectors",
    "LeverageLandmarks": "cairn.points.selectors",
    "LocalLandmarks": "cairn.points.selectors",
    "MaxMinLandmarks": "cairn.points.selectors",
    "MiniBatchKMeansLandmarks": "cairn.points.selectors",
    "RandomLandmarks": "cairn.points.selectors",
    "UnionLandmarks": "cairn.points.selectors",
    "make_selector": "cairn.points.selectors",
    "check_selector": "cairn.points.checks",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cairn.points' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
