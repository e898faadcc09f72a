"""Embedding and clustering of a table, how good the answer is, and how it depends on the number of landmarks."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.explore.table import Table

__all__ = ["CLUSTERERS", "EMBEDDERS", "Answer", "cluster", "embed"]

EMBEDDERS = ("mds", "stress-mds", "isomap", "stress-isomap", "kernel-pca", "spectral", "diffusion")
CLUSTERERS = ("spectral", "ensemble", "kasp")

_LOOKED_AT = 100_000  # rows, of more, that figures of a map come from: ranks among all rows cost more than the map
_PAIRS = 100_000  # whose distances are compared
_RANKED = 500  # rows whose neighbours are looked up
_NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found.

    Parameters
    ----------
    table : the rows
    method : name of the method, as it was asked for
    settings : what else it was asked for
    estimator : fitted
    placed : (n, 2 or more) coordinates of the rows; of clustering, those of the picture
    marks : (m, 2 or more) coordinates of the landmarks
    labels : (n,) int, of clustering
    landmark_rows : (m,) rows that are landmarks, or None where landmarks are means
    figures : name -> value, NaN where there is none
    by_landmarks : for each number of landmarks tried, "landmarks", "seconds" and figures
    remarks : sentences
    """

    table: Table
    method: str
    settings: dict[str, Any]
    estimator: Any
    placed: np.ndarray
    marks: np.ndarray
    labels: np.ndarray | None
    landmark_rows: np.ndarray | None
    figures: dict[str, float]
    by_landmarks: list[dict[str, float]]
    remarks: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Figures and settings, as JSON can hold them."""

        def plain(value: Any) -> Any:
            return None if isinstance(value, float) and not np.isfinite(value) else value

        return {
            "data": self.table.name,
            "rows": len(self.table),
            "columns": self.table.rows.shape[1],
            "kind": self.table.kind,
            "method": self.method,
            "settings": self.settings,
            "landmarks": len(self.marks),
            "figures": {name: plain(value) for name, value in self.figures.items()},
            "by_landmarks": [{name: plain(value) for name, value in row.items()} for row in self.by_landmarks],
            "remarks": list(self.remarks),
        }


def embed(
    table: Table,
    method: str = "mds",
    *,
    landmarks: int | None = None,
    components: int = 2,
    selector: str | None = None,
    neighbours: int | None = None,
    seed: int = 0,
    compare: bool = True,
) -> Answer:
    """Embed the rows.

    Parameters
    ----------
    method : one of `EMBEDDERS`; "stress-isomap" is Isomap placed by stress
    landmarks : how many; None is 100, or all different rows where there are fewer
    neighbours : of each row in Isomap's graph; None is 8, or all other rows where there are fewer
    components : of the result
    selector : name, see `cairn.points.selectors`; None is the method's own
    seed : of every random choice
    compare : also try a quarter, half and twice as many landmarks

    Raises
    ------
    InputError : what the estimator refuses
    """
    from cairn.points.embedding import EMBEDDINGS

    if method not in EMBEDDERS:
        raise InputError(f"--method {method}: choose one of {', '.join(EMBEDDERS)}")
    _check_selector(selector, landmarks)
    if neighbours is not None and not method.endswith("isomap"):
        raise InputError(f"--neighbours {neighbours}: --method {method} has no graph of neighbours; isomap has")
    different = _different(table.rows, max(2 * (landmarks or 100), 10))
    count = _count(landmarks, min(100, different), len(table))
    fixed: dict[str, Any] = {"n_components": components, "random_state": seed}
    if selector is not None:
        fixed["selector"] = selector
    if method.endswith("isomap"):
        fixed["n_neighbors"] = neighbours if neighbours is not None else max(1, min(8, different - 1))
    if method == "stress-isomap":
        fixed["placing"] = "stress"
    remarks: list[str] = []

    def fitted(number: int | None) -> tuple[Any, np.ndarray, float]:
        make = EMBEDDINGS["isomap" if method == "stress-isomap" else method]
        return _timed(lambda: make(n_landmarks=number, **fixed), table, "fit_transform", remarks)

    def figures_of(estimator: Any, placed: np.ndarray) -> dict[str, float]:
        return _embedding_figures(looked_at, estimator, placed if some is None else placed[some], seed)

    some, looked_at = _some_rows(table, seed)
    if some is not None:
        remarks.append(f"figures are of {len(some):,} rows, drawn at random")
    estimator, placed, seconds = fitted(None if selector == "union" else count)
    count = estimator.landmarks_.shape[0]
    rows = getattr(estimator, "landmark_indices_", None)
    marks = placed[rows] if rows is not None else estimator.transform(estimator.landmarks_)
    figures = {"seconds": seconds, **figures_of(estimator, placed)}
    others = []
    compare = compare and selector != "union"  # whose number follows from its parts
    for number in _numbers(count, components + 1, different) if compare else []:
        other, there, took = (estimator, placed, seconds) if number == count else fitted(number)
        row = {"landmarks": float(number), "seconds": took, **figures_of(other, there)}
        others.append(row | {"same place": _same_place(placed, there)})
    settings: dict[str, Any] = {"landmarks": count, "components": components, "selector": selector, "seed": seed}
    if "n_neighbors" in fixed:
        settings["neighbours"] = fixed["n_neighbors"]
    return Answer(
        table, method, settings, estimator, placed, marks, None, rows, figures, others, (*table.remarks, *remarks)
    )


def cluster(
    table: Table,
    method: str = "spectral",
    *,
    clusters: int | None = None,
    landmarks: int | None = None,
    selector: str | None = None,
    seed: int = 0,
    compare: bool = True,
) -> Answer:
    """Find groups of rows; the picture shows them where `LandmarkMDS` puts them.

    Parameters
    ----------
    method : one of `CLUSTERERS`
    clusters : how many; None counts them by the gap in the spectrum
    landmarks, selector, seed, compare : see `embed`; None is 1,000 landmarks, but at most half of the distinct rows

    Raises
    ------
    InputError : what the estimator refuses
    """
    from cairn import points

    classes = {
        "spectral": points.LandmarkSpectralClustering,
        "ensemble": points.LandmarkSpectralEnsemble,
        "kasp": points.KASP,
    }
    if method not in CLUSTERERS:
        raise InputError(f"--method {method}: choose one of {', '.join(CLUSTERERS)}")
    _check_selector(selector, landmarks)
    if clusters is not None and not 1 <= clusters <= len(table):
        raise InputError(f"--clusters {clusters}: expected 1 to {len(table)}, the number of rows")
    count = None if landmarks is None else _count(landmarks, len(table), len(table))
    fixed = {"n_clusters": clusters, "random_state": seed} | ({} if selector is None else {"selector": selector})
    remarks: list[str] = []

    def fitted(number: int | None) -> tuple[Any, np.ndarray, float]:
        return _timed(lambda: classes[method](n_landmarks=number, **fixed), table, "fit_predict", remarks)

    estimator, labels, seconds = fitted(count)
    centres = estimator.members_[0].landmarks_ if method == "ensemble" else estimator.landmarks_
    count = len(centres)
    sketch = points.LandmarkMDS(selector="kmeans++", n_landmarks=min(100, len(table)), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        placed = _refused(lambda: sketch.fit_transform(table.rows))
        marks = sketch.transform(np.asarray(centres, table.rows.dtype))
    figures = {"seconds": seconds, **_cluster_figures(table, estimator, labels, seed)}
    others = []
    most = max(count, _different(table.rows, 4 * count) // 2)  # with more, landmarks are the rows themselves
    compare = compare and selector != "union"
    for number in _numbers(count, estimator.n_clusters_ + 1, most) if compare else []:
        other, there, took = (estimator, labels, seconds) if number == count else fitted(number)
        row = {"landmarks": float(number), "seconds": took, **_cluster_figures(table, other, there, seed)}
        others.append(row | {"same groups (ARI)": _rand(labels, there)})
    settings = {"clusters": clusters, "landmarks": landmarks, "selector": selector, "seed": seed}
    return Answer(
        table, method, settings, estimator, placed, marks, labels, None, figures, others, (*table.remarks, *remarks)
    )


# --- fitting ---


def _timed(make: Callable[[], Any], table: Table, call: str, remarks: list[str]) -> tuple[Any, np.ndarray, float]:
    """A fitted estimator, its answer and seconds; warnings become remarks, each once."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        estimator = make()
        start = time.perf_counter()
        answer = _refused(lambda: getattr(estimator, call)(table.rows))
        seconds = time.perf_counter() - start
    for warning in said:
        if issubclass(warning.category, UserWarning) and str(warning.message) not in remarks:
            remarks.append(str(warning.message))
    return estimator, answer, seconds


def _refused(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ValueError as error:  # scikit-learn's kind of error, in one sentence
        raise InputError(" ".join(str(error).split())) from error


def _check_selector(selector: str | None, landmarks: int | None) -> None:
    from cairn.points.selectors import SELECTORS

    if selector is not None and selector not in SELECTORS:
        raise InputError(f"--selector {selector}: choose one of {', '.join(SELECTORS)}")
    if selector == "union" and landmarks is not None:
        raise InputError(f"--landmarks {landmarks}: union takes those of its two selectors; leave the number out")


def _count(asked: int | None, usual: int, rows: int) -> int:
    if asked is None:
        return min(usual, rows)
    if not 1 <= asked <= rows:
        raise InputError(f"--landmarks {asked}: expected 1 to {rows}, the number of rows")
    return asked


def _different(rows: np.ndarray, enough: int) -> int:
    """How many different rows there are; where there are enough, any number that is."""
    from cairn.points.distinct import distinct_rows

    size = 8 * enough
    while True:
        found = len(distinct_rows(rows[:size])[0])
        if found >= enough or size >= len(rows):
            return found
        size *= 8


def _numbers(count: int, least: int, most: int) -> list[int]:
    """A quarter of the number, half of it, itself, and twice as many."""
    tried = {max(least, count // 4), max(least, count // 2), count, min(most, 2 * count)}
    return sorted(number for number in tried if least <= number <= most)


# --- figures ---


def _some_rows(table: Table, seed: int) -> tuple[np.ndarray | None, Table]:
    """Which rows figures come from, and a table of them; None and the table itself where that is all."""
    if len(table) <= _LOOKED_AT:
        return None, table
    some = np.sort(np.random.default_rng(seed).choice(len(table), _LOOKED_AT, replace=False, shuffle=False))
    label = None if table.label is None else table.label[some]
    return some, replace(table, rows=table.rows[some], names=range(len(some)), label=label, pictures=None)


def _embedding_figures(table: Table, estimator: Any, placed: np.ndarray, seed: int) -> dict[str, float]:
    from cairn.points.quality import pair_distances, residual_variance, sample_pairs, stress

    i, j = sample_pairs(len(table), _PAIRS, seed)
    true, found = pair_distances(table.rows, i, j), pair_distances(placed, i, j)
    out = {"trustworthiness": _trust(table.rows, placed, seed)}
    out |= {"residual variance": residual_variance(true, found), "stress": stress(true, found)}
    if hasattr(estimator, "geodesics_"):
        marks = estimator.embedding_[estimator.landmark_indices_]
        ways, rows = estimator.geodesics_, estimator._search.rows
        step = max(1, len(ways) * len(marks) // _PAIRS)
        there = estimator.transform(rows[::step])
        between = np.linalg.norm(there[:, None] - marks[None], axis=2)
        out["residual variance of geodesics"] = residual_variance(ways[::step], between)
    if table.label is not None:
        out["neighbours with the same label"] = _same_label(placed, table.label, seed)
    return out


def _cluster_figures(table: Table, estimator: Any, labels: np.ndarray, seed: int) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

    found = len(np.unique(labels))
    out = {"clusters": float(found)}
    if 1 < found < len(table):
        chosen = np.random.default_rng(seed).permutation(len(table))[:2000]
        if 1 < len(np.unique(labels[chosen])) < len(chosen):
            out["silhouette"] = float(silhouette_score(table.rows[np.sort(chosen)], labels[np.sort(chosen)]))
    if table.label is not None:
        out["NMI"] = float(normalized_mutual_info_score(table.label, labels))
        out["ARI"] = float(adjusted_rand_score(table.label, labels))
    return out


def _trust(rows: np.ndarray, placed: np.ndarray, seed: int) -> float:
    from cairn.points.quality import trustworthiness

    near = min(_NEIGHBOURS, (len(rows) - 1) // 2)
    if near < 1:
        return float("nan")
    return trustworthiness(rows, placed, n_neighbors=near, n_samples=_RANKED, random_state=seed)


def _same_label(placed: np.ndarray, label: np.ndarray, seed: int) -> float:
    """Share of the five nearest rows that have a row's own label."""
    from sklearn.neighbors import NearestNeighbors

    chosen = np.random.default_rng(seed).permutation(len(placed))[: 4 * _RANKED]
    near = min(5, len(placed) - 1)
    found = NearestNeighbors().fit(placed).kneighbors(placed[chosen], near + 1, return_distance=False)[:, 1:]
    return float((label[found] == label[chosen][:, None]).mean())


def _same_place(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two embeddings after a turn, a mirroring and a scale (Procrustes): 1 is the same."""
    a, b = (np.asarray(x, np.float64) - x.mean(axis=0) for x in (a, b))
    below = np.sqrt((a**2).sum() * (b**2).sum())
    return float(np.linalg.svd(a.T @ b, compute_uv=False).sum() / below) if below > 0 else float("nan")


def _rand(a: np.ndarray, b: np.ndarray) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(a, b))
