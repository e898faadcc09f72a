"""dlib's own file in cairn, and back in dlib: points, bytes, time, with dlib run beside on the same faces.

    python benchmarks/dlib_file.py          # writes benchmarks/results/dlib_file.json and dlib_file.md

Needs ../shared/data (or CAIRN_DATA) and dlib (`pip install dlib-bin`). The predictor is the one that
benchmarks/faces68.py trains, runs/dlib68.dat. Nothing is chosen here; still, each run is one reading of the 554 test
faces, counted in the results.

dlib rounds its points to whole pixels. Before it rounds they are seen by enlarging the picture: each pixel becomes 51 x
51 equal ones, so that dlib reads the same grey values and rounds to 1/51 px.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import dlib
import numpy as np
from faces68 import dlib_box, dlib_points, dlib_predictor
from figures import DATA, RESULTS, ROOT, Figure, figure, machine, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.detectors.ert.dlib_file import read_dlib, write_dlib
from cairn.geometry import boxes as box_geometry
from cairn.metrics.bootstrap import interval
from cairn.metrics.nme import nme, reference_length

COMMAND = "python benchmarks/dlib_file.py"
FILE = ROOT / "runs" / "dlib68.dat"
LARGER = 51  # times; odd, so that a pixel has a middle
EACH = 5  # of the faces that are looked at enlarged
SHIFTS = (0.0, 0.12)


def main() -> None:
    faces = cairn.read(DATA / "faces68")
    predictor, _ = dlib_predictor(faces.of_split("train"))
    test = faces.of_split("test").in_image_order()
    ours = cairn.import_model(FILE, nudge=0)
    rows = point_rows(ours, predictor, test)
    rows += enlarged_rows(ours, predictor, test)
    rows += file_rows(predictor, test)
    rows += speed_rows(ours, predictor, test)
    write(rows)


def points(model: cairn.Model, data: Dataset, boxes: np.ndarray) -> np.ndarray:
    return model.predict(list(data.images), list(boxes[:, None])).points


def boxes_of(data: Dataset, shift: float) -> np.ndarray:
    """Whole numbers, which dlib needs."""
    return np.round(box_geometry.shift(data.landmarks.boxes, shift, np.random.default_rng(1)))


def point_rows(model: cairn.Model, predictor: dlib.shape_predictor, test: Dataset) -> list[Figure]:
    """Our points rounded as dlib rounds, against dlib's; and the error of both."""
    rows = []
    truth = test.landmarks.points
    reference = reference_length(truth, test.skeleton.normalisers["inter_ocular"])
    for shift in SHIFTS:
        boxes = boxes_of(test, shift)
        found, theirs = points(model, test, boxes), dlib_points(predictor, test, boxes)
        other = (np.floor(found + 0.5) != theirs).any(axis=(1, 2))
        where = "tight boxes" if not shift else f"boxes moved by {100 * shift:.0f} %"
        rows += [
            figure("both", f"faces with another rounded point, {where}", "faces", int(other.sum()), n=len(boxes)),
            figure("both", f"largest distance along an axis to dlib's rounded points, {where}", "px",
                   float(np.abs(found - theirs).max()), n=len(boxes)),
        ]  # fmt: skip
        for name, answer in (("imported", found), ("dlib", theirs)):
            errors = 100 * nme(answer, truth, reference)
            low, high = interval(errors, test.groups(), seed=0)
            rows.append(figure(name, f"NME, {where}", "% of inter_ocular", errors.mean(), low, high, n=len(truth)))
    return rows


def enlarged_rows(model: cairn.Model, predictor: dlib.shape_predictor, test: Dataset) -> list[Figure]:
    """Our points against dlib's before it rounds, but for 1/102 px that it still rounds."""
    boxes = boxes_of(test, 0.0)
    chosen = np.arange(0, len(boxes), EACH)
    away = []
    for row in chosen:
        image = test.images[int(test.landmarks.image_index[row])]
        grey = (image.rgb().sum(axis=2, dtype=np.int64) // 3).astype(np.uint8)
        large = np.ascontiguousarray(grey.repeat(LARGER, axis=0).repeat(LARGER, axis=1))
        middle = (LARGER - 1) // 2
        parts = predictor(large, dlib_box(LARGER * boxes[row] + middle)).parts()
        theirs = (np.array([(p.x, p.y) for p in parts]) - middle) / LARGER
        away.append(np.abs(model.predict([image], [boxes[row : row + 1]]).points[0] - theirs).max())
    return [
        figure("both", f"largest distance along an axis to dlib's points at 1/{LARGER} px", "px", max(away),
               n=len(chosen)),
        figure("both", f"that which rounding to 1/{LARGER} px explains", "px", 0.5 / LARGER, n=len(chosen)),
    ]  # fmt: skip


def file_rows(predictor: dlib.shape_predictor, test: Dataset) -> list[Figure]:
    """There and back: through our reader and writer, and through a model file; read by dlib again."""
    seconds: dict[str, list[float]] = {"read": [], "write": []}
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.dat"
        for _ in range(4):
            start = time.perf_counter()
            cascade = read_dlib(FILE)
            seconds["read"].append(time.perf_counter() - start)
            start = time.perf_counter()
            write_dlib(cascade, again)
            seconds["write"].append(time.perf_counter() - start)
        same = again.read_bytes() == FILE.read_bytes()
        model = Path(folder) / "face.cairn"
        cairn.import_model(FILE).save(model)
        cairn.export_model(cairn.load(model), again)
        same &= again.read_bytes() == FILE.read_bytes()
        boxes = boxes_of(test, 0.0)
        back = dlib_points(dlib.shape_predictor(str(again)), test, boxes)
        other = (back != dlib_points(predictor, test, boxes)).any(axis=(1, 2)).sum()
        return [
            figure("round trip", "bytes that are the same: .dat, .cairn, .dat", "%", 100.0 * same, n=1),
            figure("round trip", "faces on which dlib answers otherwise", "faces", int(other), n=len(test)),
            figure("imported", "reading the .dat, after the first", "s", float(np.median(seconds["read"][1:]))),
            figure("imported", "writing the .dat, after the first", "s", float(np.median(seconds["write"][1:]))),
            figure("dlib", ".dat", "MB", FILE.stat().st_size / 1e6),
            figure("imported", ".cairn", "MB", model.stat().st_size / 1e6),
        ]


def speed_rows(model: cairn.Model, predictor: dlib.shape_predictor, test: Dataset) -> list[Figure]:
    """One face a call, each face another: leaves then come from memory, as they do in use. In turns, medians."""
    spread = cairn.import_model(FILE)
    boxes = boxes_of(test, 0.0)[:100]
    images = [test.images[int(i)] for i in test.landmarks.image_index[:100]]
    pixels = [np.ascontiguousarray(i.rgb()) for i in images]
    callers = {
        "dlib": lambda i: predictor(pixels[i], dlib_box(boxes[i])),
        "imported, --nudge 0": lambda i: model.predict([images[i]], [boxes[i : i + 1]]),
        "imported": lambda i: spread.predict([images[i]], [boxes[i : i + 1]]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in callers}
    for turn in range(6):
        for name, call in callers.items():
            for i in range(len(images)):
                start = time.perf_counter()
                call(i)
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    return [
        figure(name, "one face a call, box given", "ms", 1000 * float(np.median(times)), n=len(images))
        for name, times in seconds.items()
    ]


def write(rows: list[Figure]) -> None:
    """JSON for programs, Markdown for people; the readings of the test faces are counted on."""
    target = RESULTS / "dlib_file.json"
    readings = json.loads(target.read_text())["readings"] + 1 if target.exists() else 1
    rows = plain(rows)
    data = {"command": COMMAND, "readings": readings, "machine": machine(), "dlib": dlib.__version__, "figures": rows}
    target.write_text(json.dumps(data, indent=1) + "\n")
    lines = [
        f"Written by `{COMMAND}`; reading {readings} of the test faces; {machine()}; dlib {dlib.__version__}.",
        "dlib's predictor of 68 points (oversampling 10, trained by benchmarks/faces68.py on 1,897 faces) in dlib and",
        "in cairn, on the 554 test faces (300-W common); intervals are 95 % bootstrap over pictures. Boxes: whole px.",
        "`--nudge 0` gives points alone, as dlib does; otherwise the box is looked at five times for the spread.",
        "",
        *table(rows),
    ]
    (RESULTS / "dlib_file.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
