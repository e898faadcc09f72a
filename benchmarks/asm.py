"""Active shape models: error on faces, robustness to the box, speed; wings by five folds; the mean shape beside them.

    python benchmarks/asm.py train          # once: models of the 1,897 training faces and of the folds, kept in runs/
    python benchmarks/asm.py faces          # these three write benchmarks/results/asm.json and asm.md
    python benchmarks/asm.py wings

Needs ../shared/data (or CAIRN_DATA). `faces` reads the 554 test faces; each of its runs is one reading, counted in the
results. Where dlib's predictor of benchmarks/faces68.py is in runs/, its time per face stands beside.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from figures import DATA, RESULTS, ROOT, Figure, figure, machine, median_seconds, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.detectors.asm.detector import Asm
from cairn.detectors.contract import Run
from cairn.detectors.mean_shape import MeanShape
from cairn.geometry import boxes as box_geometry
from cairn.metrics.bootstrap import interval
from cairn.metrics.distance import point_errors
from cairn.metrics.nme import nme, reference_length
from cairn.model import Model

COMMAND = "python benchmarks/asm.py faces|wings|times"
MATCHERS = ("descriptors", "profiles")
SHIFTS = (0.0, 0.06, 0.12)
FOLDS = 5
SEED = 0


def train() -> None:
    """Train what is not in runs/ yet."""
    faces = cairn.read(DATA / "faces68").of_split("train")
    wings = cairn.read(DATA / "wings12" / "wings.tps")
    for matcher in MATCHERS:
        keep(f"asm-faces-{matcher}", Asm(matcher=matcher), faces)
        for i, fold in enumerate(folds(wings)):
            rest = wings.take_images(np.setdiff1d(np.arange(len(wings.images)), fold))
            keep(f"asm-wings-{matcher}-{i}", Asm(matcher=matcher, uses_box=False), rest)


def keep(name: str, detector: Asm, data: Dataset) -> None:
    path = ROOT / "runs" / f"{name}.cairn"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    detector.fit(data, run=Run(SEED, quiet=False))
    assert detector.fitted_ is not None
    Model(detector, data.skeleton, card={"seed": SEED, "seconds": detector.fitted_.seconds}).save(path)
    print(name, f"{detector.fitted_.seconds:.0f} s", flush=True)


def folds(wings: Dataset) -> list[np.ndarray]:
    order = np.random.default_rng(SEED).permutation(len(wings.images))
    return [np.sort(f) for f in np.array_split(order, FOLDS)]


def face_part() -> list[Figure]:
    faces = cairn.read(DATA / "faces68")
    test = faces.of_split("test").in_image_order()
    images = list(test.images)
    rows: list[Figure] = face_rows("mean shape", MeanShape().fit(faces.of_split("train")), test, images)
    for matcher in MATCHERS:
        path = ROOT / "runs" / f"asm-faces-{matcher}.cairn"
        model = cairn.load(path)
        name = f"asm, {matcher}"
        rows += face_rows(name, model.detector, test, images)
        rows.append(figure(name, "training time", "s", model.card["seconds"], note="1,897 faces; when trained"))
        rows.append(figure(name, "model file", "MB", path.stat().st_size / 1e6))
    return rows


def face_rows(name: str, detector: Asm | MeanShape, test: Dataset, images: list[cairn.Image]) -> list[Figure]:
    truth = test.landmarks.points
    reference = reference_length(truth, test.skeleton.normalisers["inter_ocular"])
    rows, errors = [], {}
    for shift in SHIFTS:
        boxes = box_geometry.shift(test.landmarks.boxes, shift, np.random.default_rng(1))
        errors[shift] = 100 * nme(detector.predict(images, list(boxes[:, None])).points, truth, reference)
        low, high = interval(errors[shift], test.groups(), seed=0)
        where = "tight boxes" if not shift else f"boxes moved by {100 * shift:.0f} %"
        rows.append(figure(name, f"NME, {where}", "% of inter_ocular", errors[shift].mean(), low, high, n=len(truth)))
    rows.append(
        figure(name, "median NME, tight boxes", "% of inter_ocular", float(np.median(errors[0.0])), n=len(truth))
    )
    rows.append(figure(name, "failures (NME > 8 %), tight boxes", "%", 100 * (errors[0.0] > 8).mean(), n=len(truth)))
    return rows


def time_part() -> list[Figure]:
    """One training face a call, and dlib's predictor on the same one: by the clock, and of the processor."""
    faces = cairn.read(DATA / "faces68").of_split("train").take_images([0])
    rows: list[Figure] = []
    for matcher in MATCHERS:
        model = cairn.load(ROOT / "runs" / f"asm-faces-{matcher}.cairn")
        one, box = list(faces.images), faces.boxes
        seconds = median_seconds(lambda m=model, o=one, b=box: m.predict(o, b), 30)
        began = time.process_time()
        for _ in range(30):
            model.predict(one, box)
        cpu = (time.process_time() - began) / 30
        rows.append(figure(f"asm, {matcher}", "one face a call, box given", "ms", 1000 * seconds, n=1))
        rows.append(figure(f"asm, {matcher}", "the same, processor time", "ms", 1000 * cpu, n=1))
    return rows + dlib_rows(faces)


def dlib_rows(test: Dataset) -> list[Figure]:
    path = ROOT / "runs" / "dlib68.dat"
    try:
        import dlib
    except ImportError:
        return []
    if not path.exists():
        return []
    predictor = dlib.shape_predictor(str(path))
    pixels = np.ascontiguousarray(test.images[0].rgb())
    box = dlib.rectangle(*(round(float(v)) for v in test.landmarks.boxes[0]))
    seconds = median_seconds(lambda: predictor(pixels, box), 200)
    return [figure("dlib", "one face a call, box given", "ms", 1000 * seconds, n=1)]


def wing_part() -> list[Figure]:
    """Wings, five folds, whole pictures as boxes: mean error in px of the picture (632 x 480)."""
    wings = cairn.read(DATA / "wings12" / "wings.tps")
    errors: dict[str, list[np.ndarray]] = {"mean shape": [], **{f"asm, {m}": [] for m in MATCHERS}}
    for i, fold in enumerate(folds(wings)):
        part = wings.take_images(fold)
        rest = wings.take_images(np.setdiff1d(np.arange(len(wings.images)), fold))
        detectors = {"mean shape": MeanShape(uses_box=False).fit(rest)}
        detectors |= {f"asm, {m}": cairn.load(ROOT / "runs" / f"asm-wings-{m}-{i}.cairn").detector for m in MATCHERS}
        for name, detector in detectors.items():
            found = detector.predict(list(part.images), part.boxes)
            errors[name].append(point_errors(found.points, part.in_image_order().landmarks.points).mean(axis=1))
    rows = []
    for name, parts in errors.items():
        each = np.concatenate(parts)
        low, high = interval(each, np.arange(len(each)), seed=0)
        rows.append(figure(name, "wings12, mean error", "px", each.mean(), low, high, n=len(each)))
    return rows


def write(part: str, rows: list[Figure]) -> None:
    """JSON for programs, Markdown for people, with the other part as it stands; counts readings of the test faces."""
    target = RESULTS / "asm.json"
    before = json.loads(target.read_text()) if target.exists() else {"readings": 0, "parts": {}}
    readings = before["readings"] + (part == "faces")
    parts = {**before["parts"], part: plain(rows)}
    data = {"command": COMMAND, "readings": readings, "seed": SEED, "machine": machine(), "parts": parts}
    target.write_text(json.dumps(data, indent=1) + "\n")
    lines = [
        f"Written by `{COMMAND}`; reading {readings} of the test faces; seed {SEED}; {machine()}.",
        "554 test faces (300-W common), split `test` of faces68; intervals are 95 % bootstrap over pictures. wings12: "
        "five folds, K = 12, 40 pictures of 632 x 480 px, the whole picture as box. The two cores were shared with "
        "other work, so times are upper bounds.",
        "",
        *table([row for name in PARTS for row in parts.get(name, [])]),
    ]
    (RESULTS / "asm.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


PARTS = {"faces": face_part, "wings": wing_part, "times": time_part}

if __name__ == "__main__":
    if sys.argv[1:] == ["train"]:
        train()
    elif len(sys.argv) == 2 and sys.argv[1] in PARTS:
        write(sys.argv[1], PARTS[sys.argv[1]]())
    else:
        sys.exit(__doc__)
