"""Training on a mixture: few faces with 68 points and many with the inner 51 only, against the few alone.

    python benchmarks/mixture.py            # writes benchmarks/results/mixture.json and mixture.md

All faces are of faces68's *train* split, drawn by seed: 200 keep their 68 points, 1,000 others lose their jaw, 300 more
are held out (whole pictures, none in two parts). Small regression trees (8,000 samples) and a small network (1,000
steps of 32 faces at 96 px), same settings and seed for each training; given, tight boxes around all 68 points
everywhere, so that only the points differ. The first time includes compiling. How often faces with rare points are
shown (cairn/detectors/balance.py) was chosen on the trees' rows, with two more seeds, and confirmed on the network's.
The test split is not read. Needs ../shared/data (or CAIRN_DATA).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from figures import DATA, RESULTS, Figure, figure, machine, plain, table

import cairn
from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run
from cairn.detectors.ert.detector import Ert
from cairn.metrics.bootstrap import interval
from cairn.metrics.nme import nme, reference_length

COMMAND = "python benchmarks/mixture.py"
FEW, MANY, HELD = 200, 1000, 300
SAMPLES = 8_000  # each training sees as many, so those with fewer jaws see each of them less often


def main() -> None:
    faces = cairn.read(DATA / "faces68").of_split("train")
    order = np.random.default_rng(0).permutation(len(faces.images))
    held, few, many = (
        faces.take_images(np.sort(part)) for part in np.split(order[: HELD + FEW + MANY], [HELD, HELD + FEW])
    )
    inner = cairn.map_scheme(many, "face51")  # boxes stay
    sets = {
        f"{FEW} with 68 points": few,
        f"{FEW} with 68 and {MANY} with 51": cairn.mixture([few, inner], own_boxes=True),
        f"{FEW + MANY} with 68 points": faces.take_images(np.sort(order[HELD : HELD + FEW + MANY])),
    }
    rows = [
        row
        for learner in (trees, network)
        for name, data in sets.items()
        for row in scores(f"{learner.__name__}: {name}", learner, data, held)
    ]
    assert __doc__ is not None
    lines = [
        "# Training on a mixture",
        "",
        f"`{COMMAND}`, {machine()}.",
        "",
        " ".join(__doc__[__doc__.index("All faces") :].split()),
    ]
    lines += ["", *table(plain(rows), "training faces"), ""]
    (RESULTS / "mixture.json").write_text(
        json.dumps({"command": COMMAND, "machine": machine(), "rows": plain(rows)}, indent=1) + "\n"
    )
    (RESULTS / "mixture.md").write_text("\n".join(lines))
    print("\n".join(lines))


def trees(data: Dataset) -> Detector:
    return Ert(stages=6, trees=100, oversampling=round(SAMPLES / len(data))).fit(data, run=Run(seed=0, quiet=True))


def network(data: Dataset) -> Detector:
    from cairn.neural.heatmap import HeatmapNet

    net = HeatmapNet(input_size=96, widths=(16, 24, 48, 72, 80), blocks=(1, 2, 2, 1))
    return net.fit(data, run=Run(seed=0, quiet=True, steps=2500)).runner_


def scores(name: str, learner: Callable[[Dataset], Detector], data: Dataset, held: Dataset) -> list[Figure]:
    """NME of the jaw and of the inner points on the held-out faces."""
    start = time.perf_counter()
    detector = learner(replace(data, split=None))
    seconds = time.perf_counter() - start
    held = held.in_image_order()
    found, truth = detector.predict(held.images, held.boxes).points, held.landmarks.points
    reference = reference_length(truth, held.skeleton.normalisers["inter_ocular"])
    rows = []
    for part, points in (("jaw, 17 points", slice(0, 17)), ("inner 51 points", slice(17, 68))):
        errors = 100 * nme(found[:, points], truth[:, points], reference)
        low, high = interval(errors, held.groups(), seed=0)
        rows.append(figure(name, f"NME, {part}", "% of inter_ocular", errors.mean(), low, high, n=len(errors)))
    rows.append(figure(name, "training time", "s", seconds))
    return rows


if __name__ == "__main__":
    main()
