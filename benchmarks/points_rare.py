"""Two rare groups in a large set: which landmarks find them.

    python benchmarks/points_rare.py             # writes benchmarks/results/points_rare.json, .md and .png
    python benchmarks/points_rare.py --small     # one draw of fewer rows; writes nothing

50,000 rows of 8 columns: six large groups of different widths (5 to 30 % of the rows) and two rare ones of 60 rows each
(0.12 %), each 7 off the centre of a large group. Every method is asked for eight clusters; the landmark methods are
`LandmarkSpectralClustering` over 200 landmarks of one selector or another. F1 of a rare group is that of the cluster
that fits it best. Five draws of the data, seeds 1 to 5, which also seed the methods. What to compare was chosen on draw
0, with 120, 200 and 400 landmarks and 8, 20 and 40 regions.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from figures import RESULTS, machine

from cairn import points

COMMAND = "python benchmarks/points_rare.py"
ROWS, RARE, COLUMNS, LANDMARKS = 50_000, 60, 8, 200
SHARES = (0.3, 0.25, 0.2, 0.12, 0.08, 0.05)
SEEDS = (1, 2, 3, 4, 5)
GREY, BLUE, RED = "#b8c0c8", "#4477aa", "#c8321e"


def draw(seed: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """(rows, 8) and labels; 6 and 7 are the rare groups."""
    rng = np.random.default_rng(seed)

    def direction() -> np.ndarray:
        vector = rng.normal(size=COLUMNS)
        return vector / np.linalg.norm(vector)

    centres = [9 * direction() for _ in SHARES]
    sizes = [int(share * (rows - 2 * RARE)) for share in SHARES]
    groups = [rng.normal(c, rng.uniform(0.7, 1.3), (n, COLUMNS)) for c, n in zip(centres, sizes, strict=True)]
    groups += [rng.normal(centres[i] + 7 * direction(), 0.3, (RARE, COLUMNS)) for i in range(2)]
    return np.concatenate(groups), np.repeat(np.arange(8), [len(group) for group in groups])


def methods(seed: int) -> dict[str, Callable[[], Any]]:
    """name -> unfitted estimator with labels_ after fit."""
    from sklearn.cluster import KMeans, SpectralClustering

    p = points
    means, plus = p.KMeansLandmarks(), p.KMeansPlusPlusLandmarks()
    selectors: dict[str, Any] = {
        "random": p.RandomLandmarks(LANDMARKS),
        "hybrid (the default)": p.HybridLandmarks(LANDMARKS),
        "k-means++": p.KMeansPlusPlusLandmarks(LANDMARKS),
        "k-means": p.KMeansLandmarks(LANDMARKS),
        "max-min": p.MaxMinLandmarks(LANDMARKS),
        "leverage": p.LeverageLandmarks(LANDMARKS),
        "local, max-min in 8 regions": p.LocalLandmarks(LANDMARKS),
        "local, k-means++ in 8 regions": p.LocalLandmarks(LANDMARKS, selector=plus),
        "local, k-means in 8 regions": p.LocalLandmarks(LANDMARKS, selector=means),
        "local, k-means in 40 regions": p.LocalLandmarks(LANDMARKS, selector=means, regions=40),
        "union of 100 k-means++ and 100 local": p.UnionLandmarks(
            p.KMeansPlusPlusLandmarks(100), p.LocalLandmarks(100, selector=means)
        ),
    }
    made: dict[str, Callable[[], Any]] = {
        name: (lambda s=s: p.LandmarkSpectralClustering(8, selector=s.set_params(random_state=seed), random_state=seed))
        for name, s in selectors.items()
    }
    few = SpectralClustering(8, affinity="nearest_neighbors", random_state=seed)
    made["scikit-learn KMeans"] = lambda: KMeans(8, n_init=10, random_state=seed)
    made["scikit-learn spectral of 1,000 rows + 5-NN"] = lambda: p.LandmarkExtension(
        few, n_landmarks=1000, selector="random", random_state=seed
    )
    return made


def best_f1(truth: np.ndarray, labels: np.ndarray) -> float:
    """F1 of the cluster that fits a group (a mask) best."""
    counts = np.bincount(labels)
    inside = np.bincount(labels[truth], minlength=len(counts))
    return float((2 * inside / (counts + truth.sum())).max())


def run(seed: int, rows: int) -> list[dict[str, Any]]:
    from sklearn.metrics import normalized_mutual_info_score

    X, y = draw(seed, rows)
    middles = np.stack([X[y == group].mean(axis=0) for group in (6, 7)])
    found = []
    for name, make in methods(seed).items():
        start = time.perf_counter()
        model = make().fit(X)
        seconds = time.perf_counter() - start
        landmarks = getattr(model, "landmarks_", np.empty((0, COLUMNS)))
        near = np.linalg.norm(landmarks[:, None] - middles, axis=2) < 2
        found.append(
            {
                "method": name,
                "seed": seed,
                "f1": [best_f1(y == group, model.labels_) for group in (6, 7)],
                "landmarks_in_rare": near.sum(axis=0).tolist(),
                "nmi": float(normalized_mutual_info_score(y, model.labels_)),
                "seconds": seconds,
            }
        )
    return found


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| landmarks, or method | F1 of rare groups, mean (range of draws) | landmarks in a rare group | NMI | s |"
    ]
    lines.append("|---|---|---|---|---|")
    for name in dict.fromkeys(row["method"] for row in rows):
        these = [row for row in rows if row["method"] == name]
        f1 = [float(np.mean(row["f1"])) for row in these]
        count = np.mean([row["landmarks_in_rare"] for row in these])
        lines.append(
            f"| {name} | {np.mean(f1):.2f} ({min(f1):.2f} to {max(f1):.2f}) | {count:.1f} | "
            f"{np.mean([row['nmi'] for row in these]):.2f} | {np.median([row['seconds'] for row in these]):.2f} |"
        )
    return lines


def picture(rows: int) -> bytes:
    """The first draw: where the landmarks are, and what the rare groups are taken for."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from sklearn.decomposition import PCA

    X, y = draw(SEEDS[0], rows)
    # The plane in which the rare groups and the large ones beside them stand apart.
    plane = PCA(2).fit(np.stack([X[y == group].mean(axis=0) for group in (0, 1, 6, 7)]))
    flat = plane.transform(X)
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained", sharex=True, sharey=True)
    for axis, name in zip(axes, ("random", "k-means++", "local, k-means in 8 regions"), strict=True):
        model = methods(SEEDS[0])[name]().fit(X)
        axis.scatter(*flat[y < 6].T, s=1, c=GREY, linewidths=0, rasterized=True)
        scores = []
        for group in (6, 7):
            mask = y == group
            values, counts = np.unique(model.labels_[mask], return_counts=True)
            scores.append(best_f1(mask, model.labels_))
            alone = (model.labels_ == values[counts.argmax()]).sum() < 3 * RARE
            axis.scatter(*flat[mask].T, s=9, c=BLUE if alone else RED, linewidths=0)
        axis.scatter(*plane.transform(model.landmarks_).T, s=16, facecolors="none", edgecolors="black", linewidths=0.6)
        axis.set_title(f"{name}: F1 {scores[0]:.2f} and {scores[1]:.2f}", fontsize=10)
        axis.set(xticks=[], yticks=[], aspect="equal")
    figure.supxlabel(
        f"grey: {int((y < 6).sum()):,} rows of six large groups; blue: a rare group that is a cluster of its own; "
        "red: one that is lost in a large cluster; rings: 200 landmarks",
        fontsize=9,
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=90, metadata={"Software": None})
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--small", action="store_true", help="one draw of 10,000 rows; nothing is written")
    small = parser.parse_args().small
    warnings.filterwarnings("ignore")
    n, seeds = (10_000, SEEDS[:1]) if small else (ROWS, SEEDS)
    run(100, 5_000)  # libraries and threads are ready
    rows = [row for seed in seeds for row in run(seed, n)]
    lines = table(rows)
    print("\n".join(lines))
    if small:
        return
    from cairn.files import write_whole

    where = machine()
    said = " ".join((__doc__ or "").split("\n\n")[2].split())
    page = ["# Rare groups", "", f"`{COMMAND}`; {where}.", "", said, "", *lines, "", "![](points_rare.png)", ""]
    RESULTS.mkdir(exist_ok=True)
    target: Path = RESULTS / "points_rare.json"
    write_whole(target, json.dumps({"command": COMMAND, "machine": where, "rows": rows}, indent=1) + "\n")
    write_whole(target.with_suffix(".md"), "\n".join(page))
    write_whole(target.with_suffix(".png"), picture(n))


if __name__ == "__main__":
    main()
