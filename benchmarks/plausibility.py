"""Plausibility: does it tell failures from good fits, how often is it wrong, what does a repair help, how fast is it?

    python benchmarks/plausibility.py                          # writes benchmarks/results/plausibility.json and .md
    python benchmarks/plausibility.py face68 face68-ert my.cairn

Needs ../shared/data (or CAIRN_DATA). Models that are not there are skipped. A bundled model without a plausibility gets
one here, from the training faces that it was calibrated on. This script reads the 554 test faces, and each run is one
reading, counted in the results; wings12 has no test split and is judged by cross-fitting in five parts, cephalo19 and
pose14 by their test splits. Failures are those of benchmarks/failures.py.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

import failures
import numpy as np
from figures import DATA, RESULTS, Figure, figure, machine, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.geometry import boxes as box_geometry
from cairn.geometry.procrustes import centroid_size
from cairn.landmarks import Landmarks
from cairn.metrics.bootstrap import interval
from cairn.metrics.calibration import auroc
from cairn.metrics.nme import reference_length
from cairn.model_file import bundled
from cairn.recipes import _hold_out
from cairn.shape.plausibility import Plausibility

MODELS = ("face68", "face68-small", "face68-ert", "face68-asm")
HIDDEN = {"eyes": tuple(range(36, 48)), "mouth": tuple(range(48, 68)), "right side of the jaw": tuple(range(8))}
COMMAND = "python benchmarks/plausibility.py"
GOOD, GROSS = 5.0, 12.0  # % of inter_ocular


def main() -> None:
    names = sys.argv[1:] or [n for n in MODELS if n in bundled()]
    faces = cairn.read(DATA / "faces68")
    train, test = faces.of_split("train").in_image_order(), faces.of_split("test").in_image_order()
    whole = cairn.read(DATA / "facepictures" / "points.json").of_split("test").in_image_order()
    rows: list[Figure] = []
    for name in names:
        model = raw(cairn.load(name), train)
        rows += face_rows(name, model, test, whole)
        rows += repair_rows(name, model, test)
        rows += speed_rows(name, model, test)
    rows += label_rows()
    write(rows)


def raw(model: cairn.Model, train: Dataset) -> cairn.Model:
    """Without finder and calibration; with a plausibility."""
    model = replace(model, finder=None, calibration=None)
    if model.plausibility is None:
        rest, held = _hold_out(train, 0)
        predicted = replace(model, plausibility=None).predict(list(held.images), held.boxes)
        fitted = Plausibility.fit(rest.landmarks, predicted=predicted, truth=held.landmarks, groups=rest.groups())
        model = replace(model, plausibility=fitted)
    return model


def errors(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) mean error in % of inter_ocular; infinite where there is no face."""
    length = reference_length(truth, cairn.scheme("face68").normalisers["inter_ocular"])
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(100 * np.linalg.norm(points - truth, axis=-1).mean(axis=1) / length, nan=np.inf)


def face_rows(name: str, model: cairn.Model, test: Dataset, whole: Dataset) -> list[Figure]:
    """Gross failures against good fits, by shape, appearance and both; good fits that are flagged."""
    judge = model.plausibility
    assert judge is not None
    tight = failures.tight(test)
    found = tight.predict(model)
    fits = found.take(errors(found.points, tight.truth) < GOOD)
    good = judge.scores(fits)
    cases = [failures.shifted(test, 1), failures.rotated(test, 2), failures.empty(whole, 3)]
    cases.append(failures.no_face(DATA, len(test.skeleton), 4, 1))
    rows = flag_rows(name, "good fits (< 5 %)", fits)
    all_bad = []
    for case in cases:
        found = case.predict(model)
        bad = found.take(errors(found.points, case.truth) > GROSS)
        scores = judge.scores(bad)
        all_bad.append(scores)
        rows.append(auroc_row(name, f"{case.name}: both", good.fused, scores.fused))
        rows.append(
            figure(name, f"{case.name}: failures called implausible", "%", 100 * (~bad.plausible).mean(), n=len(bad))
        )
    for what in ("shape", "appearance", "fused"):
        if getattr(good, what) is not None:
            bad_scores = np.concatenate([getattr(s, what) for s in all_bad])
            words = {"shape": "shape alone", "appearance": "appearance alone", "fused": "both"}[what]
            rows.append(auroc_row(name, f"all failures: {words}", getattr(good, what), bad_scores))
    return rows


def auroc_row(name: str, what: str, good: np.ndarray, bad: np.ndarray) -> Figure:
    score = np.concatenate([good, bad])
    outcome = np.repeat([0, 1], [len(good), len(bad)])
    pairs = np.stack([score, outcome], axis=1)
    low, high = interval(pairs, None, lambda rows: auroc(rows[:, 0], rows[:, 1]), repeats=500)
    return figure(name, f"AUROC, {what}", "share", auroc(score, outcome), low, high, n=f"{len(bad)} / {len(good)}")


def flag_rows(name: str, what: str, judged: Landmarks) -> list[Figure]:
    """False alarms at the default rate, with Wilson intervals, which are not empty where nothing was flagged."""
    rows = []
    levels = {"as a whole": ~judged.plausible, "in any point": ~judged.plausible_points.all(axis=1)}
    if judged.plausible_parts.shape[1]:
        levels["in any part"] = ~judged.plausible_parts.all(axis=1)
    for level, flagged in levels.items():
        low, high = wilson(int(flagged.sum()), len(flagged))
        rows.append(
            figure(
                name, f"false alarms, {what}, {level}", "%", 100 * flagged.mean(), 100 * low, 100 * high, n=len(flagged)
            )
        )
    return rows


def wilson(count: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle = (count + z * z / 2) / (n + z * z)
    half = z * np.sqrt(count * (n - count) / n + z * z / 4) / (n + z * z)
    return middle - half, middle + half


def repair_rows(name: str, model: cairn.Model, test: Dataset) -> list[Figure]:
    """Error of a hidden or displaced part before and after; of untouched faces too."""
    judge = model.plausibility
    assert judge is not None
    rows = []
    untouched = failures.tight(test)
    found = untouched.predict(model)
    rows += before_after(name, "untouched faces, all points", found, judge.repair(found), untouched.truth, None)
    for part, points in HIDDEN.items():
        case = failures.hidden(test, points, 5)
        seen = case.predict(model)
        rows += before_after(name, f"{part} hidden", seen, judge.repair(seen), case.truth, points)
        moved = displaced(found, points)
        rows += before_after(name, f"{part} displaced", moved, judge.repair(moved), untouched.truth, points)
    return rows


def displaced(found: Landmarks, points: tuple[int, ...]) -> Landmarks:
    """Each of these points moved by 10 % of the centroid size in a direction of its own."""
    rng = np.random.default_rng(6)
    angle = rng.uniform(0, 2 * np.pi, (len(found), len(points)))
    step = 0.1 * centroid_size(found.points)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    moved = found.points.copy()
    moved[:, list(points)] += step
    return replace(found, points=moved)


def before_after(
    name: str, what: str, before: Landmarks, after: Landmarks, truth: np.ndarray, points: tuple[int, ...] | None
) -> list[Figure]:
    which = list(range(truth.shape[1])) if points is None else list(points)
    length = reference_length(truth, before.skeleton.normalisers["inter_ocular"])[:, None]
    e = [100 * (np.linalg.norm(m.points - truth, axis=-1) / length)[:, which].mean(axis=1) for m in (before, after)]
    low, high = interval(np.stack(e, axis=1), None, lambda r: 100 * (1 - r[:, 1].mean() / r[:, 0].mean()), repeats=1000)
    gain = 100 * (1 - e[1].mean() / e[0].mean())
    assert after.altered is not None
    return [
        figure(name, f"repair, {what}: error before", "% of inter_ocular", e[0].mean(), n=len(truth)),
        figure(name, f"repair, {what}: error after", "% of inter_ocular", e[1].mean(), n=len(truth)),
        figure(name, f"repair, {what}: less by", "%", gain, low, high, n=len(truth)),
        figure(name, f"repair, {what}: points replaced", "%", 100 * after.altered[:, which].mean(), n=len(truth)),
    ]


def speed_rows(name: str, model: cairn.Model, test: Dataset) -> list[Figure]:
    """The verdict alone, on answers that are there already; time of one core."""
    judge = model.plausibility
    assert judge is not None
    found = replace(model, plausibility=None).predict(list(test.images[:256]), test.boxes[:256])
    judge.judge(found)
    batched = [seconds(lambda: judge.judge(found)) / len(found) for _ in range(20)]
    singles = [found.take([i]) for i in range(len(found))]
    alone = [seconds(lambda o=one: judge.judge(o)) for one in singles]
    return [
        figure(name, "verdict, one shape a call (median)", "ms", 1000 * float(np.median(alone)), n=len(alone)),
        figure(
            name,
            "verdict, one shape a call (slowest in 20)",
            "ms",
            1000 * float(np.quantile(alone, 0.95)),
            n=len(alone),
        ),
        figure(name, "verdict, 256 shapes a call, each", "ms", 1000 * float(np.median(batched)), n=256),
    ]


def seconds(call) -> float:  # type: ignore[no-untyped-def]
    start = time.process_time()
    call()
    return time.process_time() - start


def label_rows() -> list[Figure]:
    """Labels of other domains, whole and spoilt; no setting changed."""
    rows = []
    for name in ("wings12", "cephalo19", "pose14"):
        data = cairn.read(DATA / name)
        labels = data.landmarks
        if name == "wings12":
            labels = replace(labels, skeleton=cairn.scheme("wings12"))
            folds = np.random.default_rng(0).permutation(len(labels)) % 5
            pairs = [(labels.take(folds != f), labels.take(folds == f)) for f in range(5)]
        else:
            pairs = [
                (data.of_split("train").landmarks, data.of_split("test" if name == "pose14" else "test1").landmarks)
            ]
        judged, good, bad = [], [], {"one point moved": [], "two points exchanged": [], "mirrored": []}
        rng = np.random.default_rng(7)
        for train, test in pairs:
            judge = Plausibility.fit(bare(train))
            test = bare(test)
            judged.append(judge.judge(test))
            good.append(judge.scores(test).fused)
            for what, found in bad.items():
                found.append(judge.scores(spoilt(test, what, rng)).fused)
        rows += flag_rows(name, "labels", Landmarks.concatenate(judged))
        rows += [auroc_row(name, what, np.concatenate(good), np.concatenate(found)) for what, found in bad.items()]
    return rows


def bare(labels: Landmarks) -> Landmarks:
    return Landmarks(labels.skeleton, labels.points, box_geometry.around(labels.points), np.arange(len(labels)))


def spoilt(labels: Landmarks, what: str, rng: np.random.Generator) -> Landmarks:
    """Labels with one mistake each; only labelled points take part."""
    points = labels.points.copy()
    size = centroid_size(points)
    if what == "mirrored":
        return replace(labels, points=points * [-1.0, 1.0])
    for row, there in enumerate(labels.labelled):
        some = rng.permutation(np.flatnonzero(there))[:2]
        if what == "two points exchanged":
            points[row, some] = points[row, some[::-1]]
        else:
            angle = rng.uniform(0, 2 * np.pi)
            points[row, some[0]] += 0.1 * size[row] * np.array([np.cos(angle), np.sin(angle)])
    return replace(labels, points=points)


def write(rows: list[Figure]) -> None:
    """JSON for programs, Markdown for people; the readings of the test faces are counted on."""
    target = RESULTS / "plausibility.json"
    readings = json.loads(target.read_text())["readings"] + 1 if target.exists() else 1
    rows = plain(rows)
    target.write_text(
        json.dumps({"command": COMMAND, "readings": readings, "machine": machine(), "figures": rows}, indent=1) + "\n"
    )
    lines = [
        f"Written by `{COMMAND}`; reading {readings} of the test faces; {machine()}.",
        "",
        "Failures: error above 12 % of inter_ocular from boxes that are shifted, in turned pictures, empty, or in",
        "pictures without a face; good fits: below 5 %, tight boxes, 554 test faces. n of an AUROC: failures / good.",
        "False alarms are at the default rate of 1 %, with Wilson's 95 % intervals; others are 95 % bootstrap.",
        "`pose14` are crowd labels; `wings12` is judged in five parts. Hidden: a patch of one colour over the part.",
        "",
        *table(rows),
    ]
    (RESULTS / "plausibility.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
