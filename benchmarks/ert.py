"""Regression trees on faces, against dlib's: error, robustness to the box, training, speed and size.

    python benchmarks/ert.py                # writes benchmarks/results/ert.json and ert.md
    python benchmarks/ert.py --dlib-again   # trains dlib's in this run too, though there is one in runs/

Needs ../shared/data (or CAIRN_DATA) and dlib (`pip install dlib-bin`). Three predictors look at the 554 test faces: one
grown in this run on the 1,897 training faces with oversampling 10, as dlib's; the bundled face68-ert, which saw nine
tenths of them; and dlib's. Each run is one reading of the test faces, counted in the results. Two threads for all.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faces68
import numpy as np
from figures import DATA, RESULTS, ROOT, Figure, figure, machine, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, State
from cairn.detectors.ert.detector import Ert
from cairn.images import ImageList

COMMAND = "python benchmarks/ert.py"
WEIGHTS = ROOT / "cairn" / "weights" / "face68-ert.cairn"
THREADS = 2
OTHERS = {  # the same trees, looked through less and more often
    "without mirror": {"mirrored": False},
    "mirror from the start": {"mirror_stage": 0},
    "3 boxes": {"mirror_stage": 0, "starts": 3},
}
_IN_A_ROW = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlib-again", action="store_true", help="train dlib's predictor in this run")
    given = parser.parse_args()
    import numba

    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    faces = in_memory(cairn.read(DATA / "faces68"))
    train, test = faces.of_split("train").in_image_order(), faces.of_split("test").in_image_order()
    rows: list[Figure] = []

    Ert(stages=1, trees=1, oversampling=1).fit(train.take_images(range(20)))  # compiles
    ours = Ert(oversampling=10)
    start, work = time.perf_counter(), time.process_time()
    ours.fit(train)
    seconds, work = time.perf_counter() - start, time.process_time() - work
    rows += error_rows("ert, oversampling 10", ours, test)
    rows.append(figure("ert, oversampling 10", "training time", "s", seconds, note="all of fit, compiled before"))
    rows.append(figure("ert, oversampling 10", "training, processor time", "s", work))

    shipped = cairn.load("face68-ert")
    rows += error_rows("face68-ert", shipped.detector, test)
    rows.append(figure("face68-ert", "training time (its card)", "s", 60 * shipped.card["minutes"]))
    rows.append(figure("face68-ert", "model file, trees alone", "MB", trees_alone(shipped)))
    rows.append(figure("face68-ert", "model file, with finder, verdict and all", "MB", WEIGHTS.stat().st_size / 1e6))

    if given.dlib_again:
        (ROOT / "runs" / "dlib68.json").unlink(missing_ok=True)
    predictor, seconds = faces68.dlib_predictor(train)
    rows += faces68.box_rows("dlib", test, lambda data, boxes: faces68.dlib_points(predictor, data, boxes))
    rows.append(figure("dlib", "training time", "s", seconds, note="in this run" if given.dlib_again else "earlier"))
    rows.append(figure("dlib", "model file", "MB", (ROOT / "runs" / "dlib68.dat").stat().st_size / 1e6))

    state = shipped.detector.state()
    others = {
        f"face68-ert, {words}": Ert.from_state(State({**state.settings, **changed}, state.arrays, {}))
        for words, changed in OTHERS.items()
    }
    for name, detector in others.items():
        rows += error_rows(name, detector, test)
    rows += speed_rows({"face68-ert": shipped.detector, **others}, predictor, test)
    write(rows, shipped, given.dlib_again)


def in_memory(data: Dataset) -> Dataset:
    """The same, with its pictures read: neither side's clock counts the reading of files."""
    return Dataset(ImageList(list(data.images)), data.landmarks, split=data.split, split_by=data.split_by)


def error_rows(name: str, detector: Detector, test: Dataset) -> list[Figure]:
    """Tight boxes, and boxes that are off."""
    return faces68.box_rows(
        name, test, lambda data, boxes: detector.predict(list(data.images), list(boxes[:, None])).points
    )


def speed_rows(detectors: dict[str, Detector], predictor: Any, test: Dataset) -> list[Figure]:
    """All look at the same faces by turns, so that what else the machine does slows all of them alike."""
    images, boxes = list(test.images), test.boxes
    pictures = [np.ascontiguousarray(i.rgb()) for i in images]
    rectangles = [faces68.dlib_box(b[0]) for b in boxes]
    one: dict[str, Callable[[int], Any]] = {
        name: lambda i, d=detector: d.predict(images[i : i + 1], boxes[i : i + 1])
        for name, detector in detectors.items()
    }
    one["dlib"] = lambda i: predictor(pictures[i], rectangles[i])
    all_of: dict[str, Callable[[int], Any]] = {
        name: lambda _, d=detector: d.predict(images, boxes) for name, detector in detectors.items()
    }
    all_of["dlib"] = lambda _: [predictor(p, r) for p, r in zip(pictures, rectangles, strict=True)]
    rows = []
    for what, calls, turns, faces in (
        ("one face a call, the same again and again", one, [0] * 1000, 1),
        ("one face a call, another each time", one, list(range(len(test))), 1),
        ("all faces, in one call where there is such", all_of, [0] * 9, len(test)),
    ):
        for name, seconds in by_turns(calls, turns).items():
            rows.append(figure(name, what, "ms a face", 1000 * seconds / faces, n=len(turns) * faces))
    return rows


def by_turns(calls: dict[str, Callable[[int], Any]], turns: list[int]) -> dict[str, float]:
    """Median seconds of each call. Everyone has some turns in a row; the call before them is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for first in range(0, len(turns), _IN_A_ROW):
        for name, call in calls.items():
            call(turns[first])
            for i in turns[first : first + _IN_A_ROW]:
                start = time.perf_counter()
                call(i)
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def trees_alone(model: cairn.Model) -> float:
    """MB of the model without finder, calibration or verdict."""
    path = ROOT / "runs" / "ert-alone.cairn"
    path.parent.mkdir(exist_ok=True)
    cairn.Model(model.detector, model.skeleton).save(path)
    size = path.stat().st_size
    path.unlink()
    return size / 1e6


def write(rows: list[Figure], shipped: cairn.Model, again: bool) -> None:
    """JSON for programs, Markdown for people; the readings of the test faces are counted on."""
    target = Path(RESULTS / "ert.json")
    readings = json.loads(target.read_text())["readings"] + 1 if target.exists() else 1
    card = {k: shipped.card.get(k) for k in ("recipe", "seed", "steps", "minutes", "machine", "scores")}
    command = COMMAND + (" --dlib-again" if again else "")
    load = f"load {os.getloadavg()[2]:.1f} (15 minutes)"
    rows = plain(rows)
    data = {"command": command, "readings": readings, "machine": machine(), "face68-ert": card, "figures": rows}
    target.write_text(json.dumps(data, indent=1) + "\n")
    lines = [
        f"Written by `{command}`; reading {readings} of the test faces; {machine()}; {THREADS} threads; {load}.",
        "554 test faces (300-W common), split `test` of faces68; intervals are 95 % bootstrap over pictures.",
        "",
        *table(rows),
        f"\n`face68-ert` (scripts/train_ert.py): {card['steps']} trees, {card['minutes']} minutes, seed {card['seed']}",
    ]
    (RESULTS / "ert.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
