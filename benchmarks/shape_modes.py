"""How many modes, and how much shrinkage: ways of choosing, by the likelihood of shapes that nobody chose on.

    python benchmarks/shape_modes.py            # writes benchmarks/results/shape_modes.md

Needs ../shared/data (or CAIRN_DATA). Of each set a part is held out (faces68: 400 of the training split; never its test
split); n of the others are learnt from, several times with other draws. A figure is the mean log density of a held-out
shape, for each direction of its tangent space: a tenth more is a tenth of a nat in every direction.
"""

from __future__ import annotations

import csv
from collections.abc import Callable

import numpy as np
from figures import DATA, RESULTS, machine
from sklearn.covariance import oas
from sklearn.decomposition._pca import _infer_dimension
from sklearn.isotonic import isotonic_regression

import cairn
import cairn.shape.model as shape_model
from cairn.shape import spectrum
from cairn.shape.spectrum import Spectrum, choose_spectrum

COUNTS = (4, 6, 10, 20, 40, 100, 400, 1400)
Choose = Callable[..., Spectrum]


def sets() -> dict[str, np.ndarray]:
    """Complete shapes (N, K, D)."""
    with (DATA / "headct24" / "landmarks.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["split"] == "train"]
    heads = np.array([[[float(r[f"{k}_{a}"] or "nan") for a in "ijk"] for k in range(1, 25)] for r in rows])
    return {
        "faces68": cairn.read(DATA / "faces68").of_split("train").landmarks.points,
        "wings12": cairn.read(DATA / "wings12").landmarks.points,
        "cephalo19": cairn.read(DATA / "cephalo19" / "train_senior.csv").landmarks.points,
        "headct24": heads[np.isfinite(heads).all(axis=(1, 2))],
    }


class Sample:
    """Principal axes of shapes beside their pose."""

    def __init__(self, residual: np.ndarray, pose: np.ndarray):
        n, width = residual.shape
        self.n, self.space, self.rows = n, width - pose.shape[1], residual
        rng = np.random.default_rng(0)
        frame = np.linalg.qr(np.concatenate([pose, rng.normal(size=(width, self.space))], axis=1))[0]
        self.inside = (residual - residual.mean(axis=0)) @ frame[:, pose.shape[1] :]
        _, singular, vt = np.linalg.svd(residual - residual.mean(axis=0), full_matrices=False)
        self.most = min(n - 1, self.space)
        self.values, self.axes = singular[: self.most] ** 2 / (n - 1), vt[: self.most].T

    def spectrum(self, count: int, alpha: float = 0.0, values: np.ndarray | None = None) -> Spectrum:
        count, total = max(1, min(count, self.most, self.space - 1)), self.values.sum()
        kept = ((1 - alpha) * self.values + alpha * total / self.space)[:count] if values is None else values[:count]
        noise = (total - kept.sum()) / (self.space - count) if values is None else values[-1]
        shares = self.values[:count] / total
        return Spectrum(self.axes[:, :count], kept, max(float(noise), 0.0), alpha, self.values[:count], shares)


def minka(residual: np.ndarray, pose: np.ndarray, *_: object, **__: object) -> Spectrum:
    s = Sample(residual, pose)
    full = np.maximum(np.r_[s.values, np.zeros(s.space - s.most)], 1e-12 * s.values[0])
    return s.spectrum(int(_infer_dimension(full[: min(s.space, s.n)], s.n)))


def parallel(residual: np.ndarray, pose: np.ndarray, *_: object, **__: object) -> Spectrum:
    """Modes larger than 95 % of those of shuffled columns (Horn 1965)."""
    s, rng, null = Sample(residual, pose), np.random.default_rng(0), []
    for _ in range(50):
        shuffled = np.stack([rng.permutation(c) for c in s.inside.T], axis=1)
        null.append(np.linalg.svd(shuffled, compute_uv=False)[: s.most] ** 2 / (s.n - 1))
    larger = s.values > np.quantile(null, 0.95, axis=0)
    return s.spectrum(s.most if larger.all() else int(np.argmin(larger)))


def all_oas(residual: np.ndarray, pose: np.ndarray, *_: object, **__: object) -> Spectrum:
    s = Sample(residual, pose)
    return s.spectrum(s.most, float(oas(s.inside, assume_centered=True)[1]))


def isotonic(residual: np.ndarray, pose: np.ndarray, *_: object, **__: object) -> Spectrum:
    """Held-out variance along each axis, made decreasing (Bartz 2016)."""
    s = Sample(residual, pose)
    folds = s.n if s.n < 40 else 10
    fold = np.random.default_rng(0).permutation(s.n) % folds
    along, rest = np.zeros(s.most), 0.0
    for f in range(folds):
        learn, held = residual[fold != f], residual[fold == f]
        _, _, vt = np.linalg.svd(learn - learn.mean(axis=0), full_matrices=False)
        seen = ((held - learn.mean(axis=0)) @ vt[: min(len(learn) - 1, s.most)].T) ** 2
        fair = len(learn) / (len(learn) + 1)
        along[: seen.shape[1]] += fair * seen.sum(axis=0)
        rest += fair * (((held - learn.mean(axis=0)) ** 2).sum() - seen.sum())
        most = seen.shape[1]
    left = s.space - most
    means = np.r_[along[:most], [rest / left] if left else []] / s.n
    smooth = isotonic_regression(means, sample_weight=np.r_[np.ones(most), [left] if left else []], increasing=False)
    return s.spectrum(int((smooth[:most] > smooth[-1] * (1 + 1e-9)).sum()), values=smooth)


def held_out(alpha: float | str, errors: float) -> Choose:
    def choose(residual, pose, group, *_, **__):  # type: ignore[no-untyped-def]
        spectrum._ERRORS = errors
        return choose_spectrum(residual, pose, group, None, alpha)

    return choose


WAYS: dict[str, Choose] = {
    "Minka": minka,
    "parallel": parallel,
    "modes held out": held_out(0.0, 0.0),
    "OAS, all modes": all_oas,
    "isotonic": isotonic,
    "both held out": held_out("auto", 0.0),
    "within 1 SE": held_out("auto", 1.0),
}


def main() -> None:
    lines = ["| set | n | " + " | ".join(WAYS) + " |", "|---|---|" + "---|" * len(WAYS)]
    for name, points in sets().items():
        held = 400 if len(points) > 1000 else max(8, len(points) // 4)
        space = points[0].size - (4 if points.shape[2] == 2 else 7)
        for n in (c for c in COUNTS if c <= len(points) - held):
            cells = []
            for choose in WAYS.values():
                density, count = [], []
                for draw in range(1 if n >= 400 else 3 if n >= 100 else 8):
                    order = np.random.default_rng(draw).permutation(len(points))
                    shape_model.choose_spectrum = choose
                    model = shape_model.ShapeModel().fit(points[order[held : held + n]])
                    density.append(model.score(points[order[:held]]) / space)
                    count.append(len(model.modes_))
                mean = np.mean(density)
                cells.append(f"{mean:.3f} ({np.mean(count):.0f})" if mean > -100 else f"< -100 ({np.mean(count):.0f})")
            lines.append(f"| {name} | {n} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    page = (
        "# Number of modes and shrinkage\n\nWritten by `python benchmarks/shape_modes.py`. Mean log density of "
        "held-out shapes for each direction of the tangent space (higher is better), and the mean number of modes.\n\n"
        + "\n".join(lines)
        + f"\n\nMachine: {machine()}\n"
    )
    (RESULTS / "shape_modes.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
