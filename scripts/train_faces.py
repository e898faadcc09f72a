"""Train the bundled face models, from ../shared/data/faces68 and the finder of scripts/train_finder.py.

    python scripts/train_faces.py --finder runs/finder.cairn

Everything is seeded and the numbers of steps are fixed, so a run can be replayed; a run that was killed continues from
`runs/`. Only pictures of the split `train` are used, a tenth of them held out for choices and calibration. The models
are written into cairn/weights/ and must be committed to be shipped.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import cairn

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CAIRN_DATA", ROOT / ".." / "shared" / "data"))
LICENCE = "300-W annotations (LFPW, HELEN, AFW): research, non-commercial"
# name: (recipe, steps of 32 faces)
MODELS = {"face68": ("heatmap", 13000), "face68-small": ("heatmap-small", 10000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finder", type=Path, required=True, help="a .cairn file whose finder is taken")
    parser.add_argument("--only", choices=MODELS, help="train one of the models")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="checkpoints and learning curves")
    given = parser.parse_args()
    data = replace(cairn.read(DATA / "faces68"), licence=LICENCE)
    finder = cairn.load(given.finder).finder
    for name, (recipe, steps) in MODELS.items():
        if given.only in (None, name):
            folder = given.runs / name
            model = cairn.train(
                data, recipe=recipe, steps=steps, seed=0, finder=finder, folder=folder, name=name, data_name="faces68"
            )
            model.save(ROOT / "cairn" / "weights" / f"{name}.cairn")


if __name__ == "__main__":
    main()
