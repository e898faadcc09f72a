"""Faces: error, robustness to the box, the whole road, confidence and speed, with dlib trained and run beside.

    python benchmarks/faces68.py            # writes benchmarks/results/faces68.json and faces68.md

Needs ../shared/data (or CAIRN_DATA) and dlib (`pip install dlib-bin`). This script alone reads the 554 test faces; each
of its runs is one reading, counted in the results. dlib's shape predictor is trained once on the same 1,897 faces and
kept in runs/.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
from figures import DATA, RESULTS, ROOT, Figure, figure, machine, median_seconds, plain, table
from skimage.data import astronaut
from skimage.transform import resize

import cairn
from cairn.dataset import Dataset
from cairn.detectors.crop import crop
from cairn.evaluation.evaluate import evaluate
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.metrics.bootstrap import interval
from cairn.metrics.nme import nme, reference_length

MODELS = ("face68", "face68-small")
SHIFTS = (0.0, 0.06, 0.12)
COMMAND = "python benchmarks/faces68.py"

Predict = Callable[[Dataset, np.ndarray], np.ndarray]


def main() -> None:
    faces = cairn.read(DATA / "faces68")
    test = faces.of_split("test").in_image_order()
    whole = cairn.read(DATA / "facepictures" / "points.json").of_split("test").in_image_order()
    rows: list[Figure] = []
    loaded = {name: cairn.load(name) for name in MODELS}
    for name, model in loaded.items():
        rows += box_rows(
            name, test, lambda data, boxes, m=model: m.predict(list(data.images), list(boxes[:, None])).points
        )
        rows += road_rows(name, model, whole)
        rows += confidence_rows(name, model, test)
        rows += speed_rows(name, model, test)
    predictor, training_seconds = dlib_predictor(faces.of_split("train"))
    rows += box_rows("dlib", test, lambda data, boxes: dlib_points(predictor, data, boxes))
    rows.append(figure("dlib", "training time", "s", training_seconds, note="2 threads, oversampling 10; when trained"))
    rows += dlib_speed_rows(predictor, test)
    rows += start_rows()
    write(rows, loaded)


def box_rows(name: str, test: Dataset, predict: Predict) -> list[Figure]:
    """NME with tight boxes, and with boxes moved in a random direction by a share of their side."""
    truth = test.landmarks.points
    reference = reference_length(truth, test.skeleton.normalisers["inter_ocular"])
    rows, errors = [], {}
    for shift in SHIFTS:
        boxes = box_geometry.shift(test.landmarks.boxes, shift, np.random.default_rng(1))
        errors[shift] = 100 * nme(predict(test, boxes), truth, reference)
        low, high = interval(errors[shift], test.groups(), seed=0)
        where = "tight boxes" if not shift else f"boxes moved by {100 * shift:.0f} %"
        rows.append(figure(name, f"NME, {where}", "% of inter_ocular", errors[shift].mean(), low, high, n=len(truth)))
    rows.append(figure(name, "failures (NME > 8 %), tight boxes", "%", 100 * (errors[0.0] > 8).mean(), n=len(truth)))
    return rows


def road_rows(name: str, model: cairn.Model, whole: Dataset) -> list[Figure]:
    """Whole pictures: boxes found by the model's own finder, against the given boxes on the same faces."""
    found = evaluate(model, whole, boxes="found")
    given = evaluate(model, whole, boxes="given")
    hit = np.isfinite(found.cases.errors)
    rows = [figure(name, "whole pictures: missed", "%", 100 * (1 - hit.mean()), n=len(hit))]
    for what, errors in (
        ("boxes found", found.cases.errors[hit]),
        ("given boxes, the same faces", given.cases.errors[hit]),
    ):
        low, high = interval(100 * errors, whole.groups()[hit], seed=0)
        value = 100 * errors.mean()
        rows.append(
            figure(name, f"whole pictures: NME, {what}", "% of inter_ocular", value, low, high, n=int(hit.sum()))
        )
    return rows


def confidence_rows(name: str, model: cairn.Model, test: Dataset) -> list[Figure]:
    """How far confidence can be believed, with tight boxes."""
    scores = {s.metric: s for s in evaluate(model, test).scores}
    return [
        figure(name, f"confidence: {what}", "share", scores[m].value, scores[m].low, scores[m].high, n=scores[m].n)
        for m, what in (("ece", "expected calibration error"), ("auroc", "AUROC for errors above 8 %"))
    ]


def speed_rows(name: str, model: cairn.Model, test: Dataset) -> list[Figure]:
    """The network alone in batches of 32, and find + fit of one picture whose longer side is 640 px."""
    runner = model.detector
    images = list(test.images[:32])
    matrices = transforms.box_to_square(test.landmarks.boxes[:32], runner.input_size, runner.scale)
    squares = np.stack([crop(i.rgb(), m, runner.input_size) for i, m in zip(images, matrices, strict=True)])
    seconds = median_seconds(lambda: runner._moments(squares), 20)
    one = median_seconds(lambda: model.predict(images[:1], [test.landmarks.boxes[:1]]), 30)
    picture = cairn.Image((resize(astronaut(), (640, 640)) * 255).astype(np.uint8))
    road = median_seconds(lambda: model(picture), 20)
    return [
        figure(name, "network alone, batches of 32", "faces/s", 32 / seconds, n=32),
        figure(name, "one face a call, box given", "ms", 1000 * one, n=1),
        figure(name, "find + fit, one picture of 640 px", "ms", 1000 * road, n=1),
    ]


def dlib_predictor(train: Dataset) -> tuple[dlib.shape_predictor, float]:
    """dlib's regression trees on the same training faces; trained once."""
    path, timing = ROOT / "runs" / "dlib68.dat", ROOT / "runs" / "dlib68.json"
    if not (path.exists() and timing.exists()):
        path.parent.mkdir(exist_ok=True)
        options = dlib.shape_predictor_training_options()
        options.oversampling_amount, options.num_threads, options.random_seed = 10, 2, "0"
        pictures, objects = [], []
        for i, image in enumerate(train.images):
            pictures.append(np.ascontiguousarray(image.rgb()))
            mine = np.flatnonzero(train.landmarks.image_index == i)
            objects.append([dlib_face(train.landmarks.boxes[r], train.landmarks.points[r]) for r in mine])
        start = time.perf_counter()
        predictor = dlib.train_shape_predictor(pictures, objects, options)
        timing.write_text(json.dumps({"seconds": time.perf_counter() - start}))
        predictor.save(str(path))
    return dlib.shape_predictor(str(path)), json.loads(timing.read_text())["seconds"]


def dlib_box(box: np.ndarray) -> dlib.rectangle:
    return dlib.rectangle(*(round(float(v)) for v in box))


def dlib_face(box: np.ndarray, points: np.ndarray) -> dlib.full_object_detection:
    return dlib.full_object_detection(dlib_box(box), [dlib.point(round(x), round(y)) for x, y in points.tolist()])


def dlib_points(predictor: dlib.shape_predictor, data: Dataset, boxes: np.ndarray) -> np.ndarray:
    found = []
    for row, i in enumerate(data.landmarks.image_index):
        shape = predictor(np.ascontiguousarray(data.images[int(i)].rgb()), dlib_box(boxes[row]))
        found.append([(p.x, p.y) for p in shape.parts()])
    return np.array(found, float)


def dlib_speed_rows(predictor: dlib.shape_predictor, test: Dataset) -> list[Figure]:
    pixels, box = np.ascontiguousarray(test.images[0].rgb()), dlib_box(test.landmarks.boxes[0])
    return [
        figure(
            "dlib", "one face a call, box given", "ms", 1000 * median_seconds(lambda: predictor(pixels, box), 200), n=1
        )
    ]


def start_rows() -> list[Figure]:
    """Size of the bundle, and the time from a cold start."""
    bundle = sum(p.stat().st_size for p in (ROOT / "cairn" / "weights").glob("*.cairn"))
    rows = [figure("bundle", "models in the wheel together", "MB", bundle / 1e6)]
    imports = [run_seconds([sys.executable, "-c", "import cairn"]) for _ in range(7)]
    bare = [run_seconds([sys.executable, "-c", "pass"]) for _ in range(7)]
    rows.append(figure("bundle", "import cairn", "s", float(np.median(imports) - np.median(bare))))
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "astronaut.png"
        cairn.save_picture(astronaut(), picture)
        command = [sys.executable, "-m", "cairn", "detect", str(picture), "--out", str(Path(folder) / "out"), "--quiet"]
        rows.append(
            figure(
                "bundle",
                "cairn detect, cold to written",
                "s",
                float(np.median([run_seconds(command) for _ in range(3)])),
            )
        )
    return rows


def run_seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def write(rows: list[Figure], models: dict[str, cairn.Model]) -> None:
    """JSON for programs, Markdown for people; the readings of the test faces are counted on."""
    target = RESULTS / "faces68.json"
    readings = json.loads(target.read_text())["readings"] + 1 if target.exists() else 1
    cards = {
        n: {k: m.card.get(k) for k in ("recipe", "seed", "steps", "minutes", "machine")} for n, m in models.items()
    }
    rows = plain(rows)
    data = {"command": COMMAND, "readings": readings, "machine": machine(), "models": cards, "figures": rows}
    target.write_text(json.dumps(data, indent=1) + "\n")
    lines = [
        f"Written by `{COMMAND}`; reading {readings} of the test faces; {machine()}.",
        "554 test faces (300-W common), split `test` of faces68; intervals are 95 % bootstrap over pictures.",
        "",
        *table(rows),
    ]
    for name, card in cards.items():
        trained = f"{card['steps']} steps, {card['minutes']} minutes, seed {card['seed']}; {card['machine']}"
        lines.append(f"\n`{name}` (scripts/train_faces.py): {trained}")
    (RESULTS / "faces68.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
