"""Draw the pictures of docs/points.md: each selector, embedding and clusterer on data drawn here.

python scripts/draw_points.py       # writes docs/points/*.png
"""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_digits, make_moons, make_swiss_roll

from cairn import points

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "points"
GREY, RED = "#b8c0c8", "#c8321e"


def groups() -> tuple[np.ndarray, np.ndarray]:
    """Two large groups and a small one, in the plane."""
    rng = np.random.default_rng(0)
    rows = [rng.normal([0, 0], [2.5, 1], (700, 2)), rng.normal([7, 4], 1, (280, 2)), rng.normal([9, -3], 0.4, (20, 2))]
    return np.concatenate(rows), np.repeat([0, 1, 2], [700, 280, 20])


def selectors() -> None:
    X, y = groups()
    seed = {"random_state": 0}
    shown = [
        points.RandomLandmarks(20, **seed),
        points.KMeansLandmarks(20, **seed),
        points.MiniBatchKMeansLandmarks(20, **seed),
        points.KMeansPlusPlusLandmarks(20, **seed),
        points.MaxMinLandmarks(20, **seed),
        points.LeverageLandmarks(20, **seed),
        points.DPPLandmarks(20, **seed),
        points.GreedyDPPLandmarks(20, **seed),
        points.LocalLandmarks(20, regions="y", **seed),
        points.UnionLandmarks(points.RandomLandmarks(12), points.LocalLandmarks(8, regions=3), **seed),
    ]
    figure, axes = plt.subplots(2, 5, figsize=(13, 3.9), layout="constrained")
    for axis, selector in zip(axes.flat, shown, strict=True):
        selector.fit(X, y)
        small = np.linalg.norm(selector.points_ - [9, -3], axis=1) < 2
        axis.scatter(*X.T, s=2, c=GREY, linewidths=0)
        axis.scatter(*selector.points_.T, s=16, c=RED, linewidths=0)
        axis.set_title(f"{type(selector).__name__}\n{small.sum()} in the small group", fontsize=9)
        axis.set(xticks=[], yticks=[], aspect="equal")
    save(figure, "selectors")


def embeddings() -> None:
    roll, along = make_swiss_roll(1500, random_state=0)
    digits = load_digits()
    shown = [
        (points.LandmarkMDS(random_state=0), digits.data, digits.target),
        (points.LandmarkStressMDS(random_state=0), digits.data, digits.target),
        (points.LandmarkKernelPCA(gamma=1e-3, n_landmarks=200, random_state=0), digits.data, digits.target),
        (points.LandmarkIsomap(n_landmarks=50, random_state=0), roll, along),
        (points.LandmarkSpectralEmbedding(n_landmarks=200, random_state=0), digits.data, digits.target),
        (points.LandmarkDiffusionMap(n_landmarks=200, random_state=0), digits.data, digits.target),
    ]
    for estimator, X, colour in shown:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            placed = estimator.fit_transform(X)
            marks = estimator.transform(estimator.landmarks_)
        figure, axis = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
        axis.scatter(*placed.T, s=4, c=colour, cmap="tab10" if X is digits.data else "viridis", linewidths=0)
        axis.scatter(*marks.T, s=9, facecolors="none", edgecolors="black", linewidths=0.4)
        axis.set_title(f"{type(estimator).__name__}: {'digits' if X is digits.data else 'swiss roll'}", fontsize=9)
        axis.set(xticks=[], yticks=[])
        save(figure, type(estimator).__name__)


def clusterers() -> None:
    rng = np.random.default_rng(0)
    ring = np.arange(3000) % 3
    angle, radius = rng.uniform(0, 2 * np.pi, 3000), 1 + ring + rng.normal(0, 0.1, 3000)
    rings = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    moons = make_moons(3000, noise=0.07, random_state=0)[0]
    shown = [
        (points.LandmarkSpectralClustering(3, n_landmarks=400, random_state=0), rings, "rings"),
        (points.LandmarkSpectralEnsemble(3, n_landmarks=150, random_state=0), rings, "rings"),
        (points.KASP(2, n_landmarks=150, random_state=0), moons, "moons"),
        (points.LandmarkExtension(DBSCAN(0.25), n_landmarks=300, random_state=0), moons, "moons, DBSCAN"),
    ]
    for estimator, X, name in shown:
        labels = estimator.fit(X).labels_
        marks = estimator.members_[0].landmarks_ if hasattr(estimator, "members_") else estimator.landmarks_
        figure, axis = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
        axis.scatter(*X.T, s=4, c=labels, cmap="tab10", vmin=-1, vmax=8, linewidths=0)
        axis.scatter(*marks.T, s=9, facecolors="none", edgecolors="black", linewidths=0.4)
        axis.set_title(f"{type(estimator).__name__}: {name}", fontsize=9)
        axis.set(xticks=[], yticks=[], aspect="equal")
        save(figure, type(estimator).__name__)


def save(figure, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=80, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    selectors()
    embeddings()
    clusterers()
