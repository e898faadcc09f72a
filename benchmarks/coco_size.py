"""How long a large COCO file takes to read, and how much memory: 100,000 people of 17 points in 50,000 pictures.

    python benchmarks/coco_size.py

The file is made up, in the form of COCO's ``person_keypoints_train2017.json``: whole-numbered keypoints, boxes with two
decimals, and (as there) an outline of each person, or none. The pictures exist, each of one byte: they are looked for
and not read. Time is processor time (one thread; other work may run beside), the better of two; memory is what Python
and NumPy hold, by tracemalloc in a run of its own.
Compared with the tree that ``json.loads`` makes of the file, which is what most readers begin with.
"""

from __future__ import annotations

import gc
import json
import platform
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
PEOPLE, PICTURES = 100_000, 50_000
NAMES = [f"point {i}" for i in range(17)]


def make(folder: Path, outlines: bool, seed: int = 0) -> Path:
    """The file, and its pictures beside it."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir()
    images = []
    for i in range(PICTURES):
        name = f"{i:012d}.jpg"
        (folder / "images" / name).write_bytes(b"x")
        images.append({"id": i + 1, "file_name": name, "width": 640, "height": 480, "license": 1})
    annotations = []
    for i in range(PEOPLE):
        triples = np.column_stack([rng.integers(0, 640, 17), rng.integers(0, 480, 17), rng.integers(0, 3, 17)])
        triples[triples[:, 2] == 0] = 0
        box = [round(float(v), 2) for v in rng.uniform(0, 300, 4)]
        one: dict[str, Any] = {"segmentation": []}
        if outlines:
            one["segmentation"] = [[round(float(v), 2) for v in rng.uniform(0, 480, 2 * int(rng.integers(10, 50)))]]
        one |= {"num_keypoints": int((triples[:, 2] > 0).sum()), "area": round(box[2] * box[3], 4), "iscrowd": 0}
        one |= {"keypoints": triples.ravel().tolist(), "image_id": i // 2 + 1, "bbox": box, "category_id": 1}
        annotations.append(one | {"id": i + 1})
    category = {"id": 1, "name": "person", "keypoints": NAMES, "skeleton": [[16, 14], [14, 12]]}
    path = folder / "person_keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))
    return path


def seconds(what: Callable[[], Any], times: int = 2) -> float:
    """Of processor time, of the fastest of several runs."""
    taken = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        what()
        taken.append(time.process_time() - start)
    return min(taken)


def memory(what: Callable[[], Any]) -> tuple[float, float]:
    """MB kept by the result, and at most on the way."""
    gc.collect()
    tracemalloc.start()
    result = what()
    gc.collect()
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return kept / 1e6, most / 1e6


def main() -> None:
    import cairn
    from cairn.formats import read

    rows = []
    for outlines in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder), outlines)
            size = path.stat().st_size / 1e6
            tree = memory(lambda path=path: json.loads(path.read_text()))  # type: ignore[misc]
            ours = memory(lambda path=path: read(path))  # type: ignore[misc]
            rows.append(
                {
                    "outlines": outlines,
                    "text_mb": size,
                    "json_loads_s": seconds(lambda path=path: json.loads(path.read_text())),  # type: ignore[misc]
                    "read_s": seconds(lambda path=path: read(path)),  # type: ignore[misc]
                    "tree_mb": tree[0],
                    "kept_mb": ours[0],
                    "most_mb": ours[1],
                }
            )
            print(rows[-1], flush=True)
    about = {"command": "python benchmarks/coco_size.py", "seed": 0, "python": sys.version.split()[0]}
    about |= {"cairn": cairn.__version__, "machine": platform.machine()}
    (RESULTS / "coco_size.json").write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    heads = ["outlines in it", "text, MB", "`json.loads`, s", "`cairn.read`, s", "tree, MB", "data set, MB"]
    heads += ["tree / data set", "most while reading, MB"]
    lines = [
        "# A COCO file of 100,000 people",
        "",
        f"`{about['command']}`, seed 0, Python {about['python']}, one thread of {about['machine']}; processor time,",
        "with other work on the same cores. 17 points a person, 50,000 pictures that exist. Memory by tracemalloc;",
        "`json.loads` gives the tree of the file.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{' --- |' * len(heads)}",
    ]
    for r in rows:
        keys = ("text_mb", "json_loads_s", "read_s", "tree_mb", "kept_mb")
        cells = [f"{r[k]:.2f}" if k.endswith("_s") else f"{r[k]:.0f}" for k in keys]
        cells += [f"{r['tree_mb'] / r['kept_mb']:.1f}", f"{r['most_mb']:.0f}"]
        lines.append(f"| {'yes' if r['outlines'] else 'no'} | " + " | ".join(cells) + " |")
    (RESULTS / "coco_size.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
