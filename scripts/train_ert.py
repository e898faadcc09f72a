"""Grow the bundled regression trees, from ../shared/data/faces68 and the finder of the bundled face68.

    python scripts/train_ert.py

Seeded: a run can be replayed. Only pictures of the split `train` are used, a tenth of them held out for calibration and
for the scores on the card. The model is written into cairn/weights/ and must be committed to be shipped.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "cairn" / "weights" / "face68-ert.cairn")
    given = parser.parse_args()
    data = replace(cairn.read(DATA / "faces68"), licence=LICENCE)
    finder = cairn.load("face68").finder
    model = cairn.train(data, recipe="ert", seed=0, finder=finder, name="face68-ert", data_name="faces68")
    model.save(given.out)


if __name__ == "__main__":
    main()
