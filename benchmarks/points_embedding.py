"""Embedding by landmarks beside scikit-learn (and UMAP where it is installed): seconds, memory and quality.

    python benchmarks/points_embedding.py             # writes benchmarks/results/points_embedding.json and .md
    python benchmarks/points_embedding.py --small     # a trial with few rows; writes nothing
    python benchmarks/points_embedding.py --task Isomap --method cairn     # measures these anew, keeps the others

Every method runs in a process of its own, one thread for linear algebra, after a trial run on 500 rows, so that loading
libraries is not counted. Memory is the highest resident size (VmHWM, Linux) less what was resident before the fit, so
that the table of data itself is not counted; the process's whole peak stands beside it. Quality is measured here, with
the same code for every method. Rolls are drawn, patches come from pictures inside scikit-learn; PenDigits needs
../shared/data (or CAIRN_DATA) and is left out without it. Nothing is tuned on any of
them; farthest-first landmarks for Isomap (the choice of its authors) and placing by stress were looked at on rolls of
seeds 11 and 12.
Bars compare CPU seconds: the machine may be busy, and every method has one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CAIRN_DATA", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results"
COMMAND = "python benchmarks/points_embedding.py"
SEED = 0
GAMMA = 5e-5
"""Of the kernel on PenDigits: 1 / (16 columns * their variance); the libraries' own 1 / 16 makes all rows strangers."""

# --- data ---


def roll(n: int) -> np.ndarray:
    from sklearn.datasets import make_swiss_roll

    return make_swiss_roll(n, random_state=SEED)[0].astype(np.float32)


def patches(n: int) -> np.ndarray:
    """Grey 8 x 8 patches of scikit-learn's two pictures, each with mean 0."""
    from sklearn.datasets import load_sample_images
    from sklearn.feature_extraction.image import extract_patches_2d

    found = [
        extract_patches_2d(picture.mean(axis=2), (8, 8), max_patches=n // 2, random_state=SEED).reshape(-1, 64)
        for picture in load_sample_images().images
    ]
    rows = np.concatenate(found)
    return (rows - rows.mean(axis=1, keepdims=True)).astype(np.float32)


def pendigits(n: int) -> np.ndarray:
    with np.load(DATA / "tabular" / "pendigits.npz") as table:
        return table["X"][:n].astype(np.float32)


# --- methods: name -> estimator ---


def method(name: str) -> Any:
    """An estimator with fit_transform; settings that are not said are the library's own."""
    from sklearn import decomposition, manifold

    from cairn import points

    two = {"n_components": 2}
    makers: dict[str, Callable[[], Any]] = {
        "cairn isomap": lambda: points.LandmarkIsomap(**two, n_neighbors=10, random_state=SEED),
        "cairn isomap, 50 landmarks": lambda: points.LandmarkIsomap(
            **two, n_neighbors=10, n_landmarks=50, selector="max-min", random_state=SEED
        ),
        "cairn isomap, 50 landmarks, by stress": lambda: points.LandmarkIsomap(
            **two, n_neighbors=10, n_landmarks=50, selector="max-min", placing="stress", random_state=SEED
        ),
        "scikit-learn isomap": lambda: manifold.Isomap(**two, n_neighbors=10),
        "cairn stress, 100 landmarks": lambda: points.LandmarkStressMDS(**two, n_landmarks=100, random_state=SEED),
        "cairn stress, 500 landmarks": lambda: points.LandmarkStressMDS(**two, n_landmarks=500, random_state=SEED),
        "scikit-learn smacof": lambda: manifold.MDS(**two, n_init=1, init="random", random_state=SEED),
        "cairn strain": lambda: points.LandmarkMDS(**two, random_state=SEED),
        "scikit-learn classical": lambda: manifold.ClassicalMDS(**two),
        "cairn kernel pca": lambda: points.LandmarkKernelPCA(**two, gamma=GAMMA, n_landmarks=300, random_state=SEED),
        "scikit-learn kernel pca": lambda: decomposition.KernelPCA(**two, kernel="rbf", gamma=GAMMA, random_state=SEED),
        "cairn spectral": lambda: points.LandmarkSpectralEmbedding(**two, n_landmarks=500, random_state=SEED),
        "cairn diffusion": lambda: points.LandmarkDiffusionMap(**two, n_landmarks=300, random_state=SEED),
        "scikit-learn spectral": lambda: manifold.SpectralEmbedding(**two, random_state=SEED),
        "scikit-learn pca": lambda: decomposition.PCA(2, random_state=SEED),
        "scikit-learn isomap of 1,000 rows + 5 neighbours": lambda: Subsample(manifold.Isomap(**two, n_neighbors=10)),
        "scikit-learn smacof of 1,000 rows + 5 neighbours": lambda: Subsample(
            manifold.MDS(**two, n_init=1, init="random", random_state=SEED)
        ),
        "scikit-learn spectral of 1,000 rows + 5 neighbours": lambda: Subsample(
            manifold.SpectralEmbedding(**two, random_state=SEED)
        ),
        "umap": umap_model,
    }
    return makers[name]()


def umap_model() -> Any:
    from umap import UMAP

    return UMAP(n_components=2, random_state=SEED, n_jobs=1)


class Subsample:
    """What people do without landmarks: embed some rows, put every other at the mean of its 5 nearest of them."""

    def __init__(self, estimator: Any, rows: int = 1000) -> None:
        self.estimator, self.rows = estimator, rows

    def fit_transform(self, X: np.ndarray) -> np.ndarray:
        from sklearn.neighbors import KNeighborsRegressor

        chosen = np.random.default_rng(SEED).choice(len(X), min(self.rows, len(X)), replace=False)
        placed = self.estimator.fit_transform(X[chosen])
        return KNeighborsRegressor(5).fit(X[chosen], placed).predict(X)


# --- quality ---


def geodesic_quality(X: np.ndarray, placed: np.ndarray) -> dict[str, float]:
    """Residual variance against the geodesics of 50 rows that no method chose, on the same graph for all."""
    from scipy.sparse.csgraph import dijkstra
    from sklearn.neighbors import kneighbors_graph

    from cairn.points.quality import residual_variance

    graph = kneighbors_graph(X, 10, mode="distance")
    rows = np.random.default_rng(1).choice(len(X), 50, replace=False)
    ways = dijkstra(graph, directed=False, indices=rows)
    reached = np.isfinite(ways)
    between = np.stack([np.linalg.norm(placed - placed[row], axis=1) for row in rows])
    return {"residual variance": residual_variance(ways[reached], between[reached])}


def stress_quality(X: np.ndarray, placed: np.ndarray) -> dict[str, float]:
    """Over all pairs."""
    from scipy.spatial.distance import cdist

    above = below = 0.0
    for start in range(0, len(X), 500):
        true, found = cdist(X[start : start + 500], X), cdist(placed[start : start + 500], placed)
        above, below = above + float(((true - found) ** 2).sum()), below + float((true**2).sum())
    return {"stress": float(np.sqrt(above / below))}


def strain_quality(X: np.ndarray, placed: np.ndarray) -> dict[str, float]:
    """Of 1,000,000 pairs drawn at random."""
    from cairn.points.quality import pair_distances, residual_variance, sample_pairs

    i, j = sample_pairs(len(X), 1_000_000, SEED)
    return {"residual variance": residual_variance(pair_distances(X, i, j), pair_distances(placed, i, j))}


def neighbour_quality(X: np.ndarray, placed: np.ndarray) -> dict[str, float]:
    from cairn.points.quality import trustworthiness

    return {"trustworthiness": trustworthiness(X, placed, n_neighbors=10, n_samples=1000, random_state=SEED)}


def kernel_quality(X: np.ndarray, placed: np.ndarray) -> dict[str, float]:
    """Sum of squares of the centred components: what principal components make as large as can be."""
    return {"variance held": float(((placed - placed.mean(axis=0)) ** 2).sum())} | neighbour_quality(X, placed)


# --- tasks ---

ALWAYS = ("scikit-learn pca", "umap")
TASKS: dict[str, tuple[Callable[[int], np.ndarray], int, Callable | None, tuple[str, ...]]] = {
    "Isomap, swiss roll, 10,000 x 3": (
        roll,
        10_000,
        geodesic_quality,
        (
            "cairn isomap, 50 landmarks, by stress",
            "cairn isomap, 50 landmarks",
            "cairn isomap",
            "scikit-learn isomap",
            "scikit-learn isomap of 1,000 rows + 5 neighbours",
            *ALWAYS,
        ),
    ),
    "Isomap, swiss roll, 20,000 x 3": (
        roll,
        20_000,
        geodesic_quality,
        ("cairn isomap, 50 landmarks, by stress", "cairn isomap, 50 landmarks", "cairn isomap", "scikit-learn isomap"),
    ),
    "Isomap, swiss roll, 1,000,000 x 3": (roll, 1_000_000, None, ("cairn isomap, 50 landmarks, by stress",)),
    "MDS by stress, 10,000 image patches x 64": (
        patches,
        10_000,
        stress_quality,
        (
            "cairn stress, 100 landmarks",
            "cairn stress, 500 landmarks",
            "scikit-learn smacof",
            "scikit-learn smacof of 1,000 rows + 5 neighbours",
            *ALWAYS,
        ),
    ),
    "MDS by strain, 10,000 image patches x 64": (
        patches,
        10_000,
        strain_quality,
        ("cairn strain", "scikit-learn classical", *ALWAYS),
    ),
    "Kernel PCA, PenDigits": (
        pendigits,
        10_992,
        kernel_quality,
        ("cairn kernel pca", "scikit-learn kernel pca"),
    ),
    "Spectral embedding, PenDigits": (
        pendigits,
        10_992,
        neighbour_quality,
        (
            "cairn spectral",
            "cairn diffusion",
            "scikit-learn spectral",
            "scikit-learn spectral of 1,000 rows + 5 neighbours",
            *ALWAYS,
        ),
    ),
}

# task, ours, the peer, times as fast, times as little memory, quality and how it may compare (ours <= factor * theirs)
BARS = (
    (
        "Isomap, swiss roll, 10,000 x 3",
        "cairn isomap, 50 landmarks, by stress",
        "scikit-learn isomap",
        100,
        50,
        "residual variance",
        1.1,
    ),
    (
        "Isomap, swiss roll, 20,000 x 3",
        "cairn isomap, 50 landmarks, by stress",
        "scikit-learn isomap",
        200,
        50,
        "residual variance",
        1.1,
    ),
    (
        "MDS by stress, 10,000 image patches x 64",
        "cairn stress, 500 landmarks",
        "scikit-learn smacof",
        50,
        1,
        "stress",
        1.05,
    ),
    (
        "MDS by strain, 10,000 image patches x 64",
        "cairn strain",
        "scikit-learn classical",
        1000,
        1,
        "residual variance",
        np.inf,
    ),
)


# --- one run in its own process ---


def resident(field: str) -> float:
    """MiB: VmRSS now, VmHWM at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}: memory is measured on Linux only")


def run_one(task: str, name: str, n: int, out: Path) -> None:
    import warnings

    warnings.simplefilter("ignore")
    rows = TASKS[task][0](n)
    method(name).fit_transform(rows[: min(500, n)])
    Path("/proc/self/clear_refs").write_text("5")  # the highest size counts from here, not from the trial run
    before = resident("VmRSS")
    estimator = method(name)
    start, cpu = time.perf_counter(), time.process_time()
    placed = estimator.fit_transform(rows)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    np.save(out, placed)
    peak = resident("VmHWM")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "mib": max(peak - before, 0.0), "process_mib": peak}))


def measure(task: str, name: str, n: int, folder: Path) -> dict[str, Any]:
    """The median of three runs where a run takes under 20 s, or of one."""
    out = folder / "placed.npy"
    command = [sys.executable, __file__, "--one", task, name, "--rows", str(n), "--out", str(out)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    runs: list[dict[str, float]] = []
    load = round(os.getloadavg()[0], 1)
    while not runs or (len(runs) < 3 and runs[0]["seconds"] < 20):
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **threads, "PYTHONPATH": path}, check=False
        )
        if done.returncode:
            return {
                "task": task,
                "method": name,
                "n": n,
                "failed": (done.stderr.strip().splitlines() or ["killed"])[-1],
            }
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    row: dict[str, Any] = {"task": task, "method": name, "n": n, "runs": len(runs), "load": load}
    row |= {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    quality = TASKS[task][2]
    if quality is not None:
        row |= quality(TASKS[task][0](n), np.load(out))
    return row


# --- all of them ---


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="1,000 rows of everything; nothing is written")
    parser.add_argument("--task", default="", help="only tasks that begin so; the other rows are kept")
    parser.add_argument("--method", default="", help="only methods that begin so")
    parser.add_argument("--one", nargs=2, metavar=("TASK", "METHOD"), help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(*options.one, options.rows, options.out)
        return
    stored = RESULTS / "points_embedding.json"
    found: dict[tuple[str, str], dict[str, Any]] = {}
    if (options.task or options.method) and not options.small and stored.exists():
        found = {(row["task"], row["method"]): row for row in json.loads(stored.read_text())["figures"]}
    with tempfile.TemporaryDirectory() as folder:
        for task, (data, size, _, names) in TASKS.items():
            if not task.startswith(options.task):
                continue
            if data is pendigits and not (DATA / "tabular" / "pendigits.npz").exists():
                print(f"{task}: left out, {DATA} has no tabular/pendigits.npz", file=sys.stderr)
                continue
            for name in names:
                if not name.startswith(options.method):
                    continue
                if name == "umap" and importlib.util.find_spec("umap") is None:
                    row = {"task": task, "method": name, "n": size, "failed": "umap-learn is not installed"}
                else:
                    row = measure(task, name, 1000 if options.small else size, Path(folder))
                found[task, name] = row
                print(table([row])[-1], file=sys.stderr, flush=True)
                if not options.small:
                    write(in_order(found))


def in_order(found: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    return [found[task, name] for task, (*_, names) in TASKS.items() for name in names if (task, name) in found]


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| work | method | s | CPU s | MiB more | process MiB | quality |", "|---|---|---|---|---|---|---|"]
    known = {"task", "method", "n", "runs", "load", "seconds", "cpu_seconds", "mib", "process_mib", "failed"}
    for row in rows:
        if "failed" in row:
            lines.append(f"| {row['task']} | {row['method']} | failed: {row['failed']} | | | | |")
            continue
        quality = ", ".join(f"{key} {value:.4g}" for key, value in row.items() if key not in known)
        lines.append(
            f"| {row['task']} | {row['method']} | {row['seconds']:.3g} | {row['cpu_seconds']:.3g} | {row['mib']:.0f} | "
            f"{row['process_mib']:.0f} | {quality} |"
        )
    return lines


def bars(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each bar that was set, and whether it is met."""
    found = {(row["task"], row["method"]): row for row in rows if "failed" not in row}
    out: list[dict[str, Any]] = []
    for task, ours, theirs, speed, memory, quality, factor in BARS:
        a, b = found.get((task, ours)), found.get((task, theirs))
        if a is None or b is None:
            continue
        faster, leaner = b["cpu_seconds"] / a["cpu_seconds"], b["mib"] / max(a["mib"], 1.0)
        ratio = a[quality] / b[quality]
        met = faster >= speed and leaner >= memory and ratio <= factor
        said = f"{faster:.0f} x as fast (bar {speed}), {leaner:.0f} x less memory (bar {memory}), "
        said += f"{quality} {ratio:.3f} x theirs" + (f" (bar {factor})" if np.isfinite(factor) else "")
        out.append({"bar": f"{task}: {ours} against {theirs}", "measured": said, "met": met})
    big = found.get(("Isomap, swiss roll, 1,000,000 x 3", "cairn isomap, 50 landmarks, by stress"))
    if big is not None:
        met = big["seconds"] < 90 and big["process_mib"] < 1024
        said = f"{big['seconds']:.0f} s (bar 90), {big['process_mib']:.0f} MiB in all (bar 1,024)"
        out.append({"bar": "Isomap, 1,000,000 x 3, float32", "measured": said, "met": met})
    return out


def machine() -> str:
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def versions() -> str:
    import scipy
    import sklearn

    return f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"


def report(rows: list[dict[str, Any]]) -> list[str]:
    loads = [row["load"] for row in rows if "load" in row]
    lines = [
        f"Written by `{COMMAND}`; seed {SEED}; {machine()}; {versions()}.",
        f"Load of the machine {min(loads, default=0):.1f} to {max(loads, default=0):.1f} when a row was begun; the "
        "JSON file has each row's.",
        "Each method in a process of its own, one thread. *MiB more*: highest resident size less that before the fit.",
        "Median of three runs where a run takes less than 20 s. Residual variance and stress: less is better.",
        "",
        *table(rows),
        "",
        "| bar | measured | met |",
        "|---|---|---|",
    ]
    return lines + [f"| {bar['bar']} | {bar['measured']} | {'yes' if bar['met'] else '**no**'} |" for bar in bars(rows)]


def write(rows: list[dict[str, Any]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    data = {
        "command": COMMAND,
        "seed": SEED,
        "machine": machine(),
        "versions": versions(),
        "figures": rows,
        "bars": bars(rows),
    }
    (RESULTS / "points_embedding.json").write_text(json.dumps(data, indent=1) + "\n")
    (RESULTS / "points_embedding.md").write_text("\n".join(report(rows)) + "\n")


if __name__ == "__main__":
    main()
