"""Mapping between schemes, measured where one face has points of two: the London faces' 189 labels, and the 68 points
that the bundled model finds in the same pictures.

    python benchmarks/schemes.py            # writes benchmarks/results/schemes.json and schemes.md

The 68 points are found, not labelled, so what is measured is how well one set of points follows from the other with the
model's errors in it: an upper bound for labels. Errors are shares of the distance between the outer eye corners (of
the points that are mapped to; by rule, of the 189 labels); learnt mappings are measured by ten-fold cross-validation
over pictures. Nothing is tuned here: the ridge is
chosen inside each fold. The last rows take 400 faces of faces68's *train* split. Needs ../shared/data (or CAIRN_DATA).
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from figures import DATA, RESULTS, Figure, figure, machine, plain, table

import cairn
from cairn.landmarks import Landmarks
from cairn.metrics.bootstrap import interval
from cairn.schemes.learnt import held_out
from cairn.schemes.mapping import map_between, named_as

COMMAND = "python benchmarks/schemes.py"
UNIT = "% of inter_ocular"


def main() -> None:
    labelled, found = london()
    rows = [
        *learnt_rows(found, labelled, "68 found to 189"),
        *learnt_rows(labelled, found, "189 to 68 found"),
        *rule_rows(labelled, found),
        *curve_rows(),
    ]
    lines = [
        "# Mapping between schemes",
        "",
        f"`{COMMAND}`, {machine()}. The 102 London faces, boxes from the model's own finder; test sets: none is read.",
        "",
        " ".join(_about().split()),
        "",
        *table(plain(rows), "way"),
        "",
    ]
    said = {"command": COMMAND, "machine": machine(), "rows": plain(rows)}
    (RESULTS / "schemes.json").write_text(json.dumps(said, indent=1) + "\n")
    (RESULTS / "schemes.md").write_text("\n".join(lines))
    print("\n".join(lines))


def _about() -> str:
    """What the head of this file says of the figures."""
    assert __doc__ is not None
    return __doc__[__doc__.index("The 68 points are found") :]


def london() -> tuple[Landmarks, Landmarks]:
    """The 189 labels, and the best of the faces that the model finds in each picture."""
    data = cairn.read(DATA / "london189").in_image_order()
    model = cairn.load("face68")
    rows, kept = [], []
    for i in range(len(data)):
        one = model([data.images[int(data.landmarks.image_index[i])]])
        if len(one):
            best = int(np.nanargmax(one.score)) if one.score is not None else 0
            rows.append(one.take([best]).with_image_index(data.landmarks.image_index[[i]]))
            kept.append(i)
    print(f"a face is found in {len(kept)} of {len(data)} pictures")
    found = Landmarks.concatenate([replace(r, confidence=None, covariance=None) for r in rows])
    return named_as(data.landmarks.take(kept), "face189"), found


def learnt_rows(a: Landmarks, b: Landmarks, way: str) -> list[Figure]:
    errors, floors, _, (_, _, groups) = held_out(a, b)
    rows = []
    groups_of = {"all points": list(range(len(b.skeleton)))} | {p: list(i) for p, i in b.skeleton.parts.items()}
    for part, points in groups_of.items():
        for name, found in (("learnt", errors), ("mean shape laid on", floors)):
            if name != "learnt" and part != "all points":
                continue
            values = 100 * found[:, points].mean(axis=1)
            low, high = interval(values, groups, seed=0)
            rows.append(figure(way, f"{name}, {part}", UNIT, values.mean(), low, high, n=len(values)))
    return rows


def rule_rows(labelled: Landmarks, found: Landmarks) -> list[Figure]:
    """Where the rules put points, against where the model finds them."""
    apart = np.linalg.norm(labelled.points[:, 18] - labelled.points[:, 27], axis=-1)
    rows = []
    for target in ("face68", "face5"):
        route = map_between(labelled.skeleton, target)
        other = found if target == "face68" else cairn.map_scheme(found, target)
        away = 100 * np.linalg.norm(route.points(labelled.points) - other.points, axis=-1) / apart[:, None]
        kinds = {
            "exact": [r is not None and r.exact for r in route.rules],
            "interpolated": [r is not None and r.share is not None for r in route.rules],
            "taken from the nearest": [r is not None and not r.exact and r.share is None for r in route.rules],
        }
        for kind, which in kinds.items():
            if not any(which):
                continue
            values = away[:, which].mean(axis=1)
            low, high = interval(values, seed=0)
            what = f"by rule, {sum(which)} points {kind}"
            way = f"189 to {target.removeprefix('face')} found"
            rows.append(figure(way, what, UNIT, values.mean(), low, high, n=len(values)))
    return rows


def curve_rows() -> list[Figure]:
    """How well the curves of real labels are known: their points left out in turn."""
    faces = cairn.read(DATA / "faces68").of_split("train").landmarks.take(np.arange(400))
    route = map_between(faces.skeleton, "face98")
    apart = np.linalg.norm(faces.points[:, 36] - faces.points[:, 45], axis=-1)
    values = 100 * route.curve_error(faces.points) / apart
    low, high = interval(values, seed=0)
    return [figure("68 to 98", "curves, points left out in turn", UNIT, values.mean(), low, high, n=len(values))]


if __name__ == "__main__":
    main()
