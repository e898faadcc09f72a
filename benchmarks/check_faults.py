"""What `cairn check` finds of mistakes that are put into good labels, and what it finds that nobody put there.

    python benchmarks/check_faults.py          # writes benchmarks/results/check_faults.json and .md; about 8 minutes
    python benchmarks/check_faults.py wings12 "x and y exchanged"      # only these rows, into the same table

Needs ../shared/data (or CAIRN_DATA). This script knows nothing of how the check works: it spoils labels and pictures,
calls `cairn.check` and compares objects, points and pictures. Each kind of mistake is put in alone, at three
magnitudes: the share of objects that have it, or how far a point is moved.

*found*: spoilt objects with a finding of the right kind that names the right points (or pair of pictures).
*noticed*: spoilt objects with any error or warning.
*precision*: of the findings of that kind, those at spoilt objects; findings that the check makes of the data as they
are, too, are counted apart (*as before*): looked at one by one, nearly all are mistakes that the published data have.

Thresholds were chosen on other pictures: the even-numbered half of the training faces, the even-numbered half of
pose14's training pictures, wheels5, openfield4, and the labels of cephalo19's test1 (once). Reported are 316 faces of
the odd-numbered half of the training faces, all of wings12, and the training films of cephalo19. Two rules were mended
after their rows had been read once: how odd a mirror image may be (wings12: 19 of 20 before), and in which order
observers are compared (cephalo19). How far a box may be from its points, and how little a constant point may
move, were changed after a trial on wings12 and cephalo19. The near-duplicates of cephalo19 are a truth that others
made; they concern its test1 films, and each run is one reading of these pictures. They were looked at while the
fingerprint was chosen, too, so this row is no untouched test.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from figures import DATA, RESULTS, machine

import cairn
from cairn.dataset import Dataset
from cairn.images import Image, ImageList

COMMAND = "python benchmarks/check_faults.py"
STORE = RESULTS / "check_faults.json"
SHARES = (0.02, 0.10, 0.30)
SEEDS = {"faces68": (1,), "wings12": (1, 2, 3, 4, 5), "cephalo19": (1, 2, 3)}


@dataclass
class Spoilt:
    """Data with mistakes, and where they are.

    kinds: of findings that name the mistake; rows: object and its wrong points (empty: the whole object); pairs: of
    pictures; things: names that a finding must have (subjects, observers, points)
    """

    data: Dataset
    kinds: tuple[str, ...]
    rows: dict[int, tuple[int, ...]] = field(default_factory=dict)
    pairs: set[tuple[int, int]] = field(default_factory=set)
    things: set[str] = field(default_factory=set)


def main() -> None:
    wanted = sys.argv[1:]
    names = [n for n in SEEDS if not wanted or n in wanted]
    faults = [f for f in FAULTS if not set(wanted) & set(FAULTS) or f in wanted]
    stored = json.loads(STORE.read_text()) if STORE.exists() else {"readings": 0, "as_they_are": {}, "figures": []}
    for name, data in sets(names).items():
        start = time.perf_counter()
        found = cairn.check(data)
        seconds = time.perf_counter() - start
        counts = {kind: len(group) for kind, group in found.by_kind().items()}
        about = {"objects": len(data), "pictures": len(data.images), "seconds": seconds, "findings": counts}
        stored["as_they_are"][name] = about
        print(name, about, flush=True)
        for fault in faults:
            magnitudes, spoil = FAULTS[fault]
            for magnitude in magnitudes:
                row = measured(data, SEEDS[name], magnitude, spoil, {key(f) for f in found})
                if row is not None:
                    put(stored, {"data": name, "fault": fault, "magnitude": shown(fault, magnitude), **row})
    if not wanted or "near_duplicates" in wanted:
        stored["readings"] += 1
        put(stored, real_duplicates())
    write(stored)


def put(stored: dict[str, Any], row: dict[str, Any]) -> None:
    """In the place of the row that was measured before, or at the end of its kind."""
    print(row, flush=True)
    what = ("data", "fault", "magnitude")
    kept = [r for r in stored["figures"] if any(r[w] != row[w] for w in what)]
    places, faults = [*SEEDS, "cephalo19, all"], [*FAULTS, "near_duplicates.csv"]
    stored["figures"] = sorted([*kept, row], key=lambda r: (places.index(r["data"]), faults.index(r["fault"])))


def shown(fault: str, magnitude: Any) -> str:
    if isinstance(magnitude, tuple):
        return f"{magnitude[0]:g} to {min(magnitude[1], 1):g}"
    if FAULTS[fault][0] == SHARES:
        return f"{100 * magnitude:g} %"
    return magnitude if isinstance(magnitude, str) else f"{magnitude:g}"


def sets(names: list[str]) -> dict[str, Dataset]:
    found = {}
    for name in names:
        data = cairn.read(DATA / name)
        data = data if data.split is None else data.of_split("train")
        if name == "faces68":
            odd = np.arange(1, len(data.images), 2)
            data = data.take_images(odd[np.arange(len(odd)) % 3 == 0])
        found[name] = in_memory(data)
    return found


def in_memory(data: Dataset) -> Dataset:
    """Pictures read once, without splits, since these are put in by the faults."""
    return replace(data, images=ImageList(list(data.images)), split=None)


def key(finding: cairn.Finding) -> tuple[Any, ...]:
    """What makes a finding the same in two runs."""
    return finding.kind, finding.row, tuple(sorted(finding.images)), finding.names if finding.row is None else ()


def measured(
    data: Dataset, seeds: tuple[int, ...], magnitude: Any, spoil: Callable[..., Spoilt | None], known: set[Any]
) -> dict[str, Any] | None:
    n = found = noticed = right = said = before = 0
    for seed in seeds:
        spoilt = spoil(data, magnitude, np.random.default_rng([seed, 77]))
        if spoilt is None:
            return None
        findings = cairn.check(spoilt.data)
        mine = findings.of_kind(*spoilt.kinds)
        old = [f for f in mine if key(f) in known and f.row not in spoilt.rows]
        before += len(old)
        mine = [f for f in mine if f not in old]
        loud = [f for f in findings if f.severity != "note"]
        said += len(mine)
        if spoilt.pairs:
            hit = {tuple(sorted(f.images)) for f in mine if tuple(sorted(f.images)) in spoilt.pairs}
            n, found, noticed, right = n + len(spoilt.pairs), found + len(hit), noticed + len(hit), right + len(hit)
        elif spoilt.things:
            hits = {name for f in mine for name in f.names} & spoilt.things
            n, found, noticed = n + len(spoilt.things), found + len(hits), noticed + len(hits)
            right += sum(bool(set(f.names) & spoilt.things) for f in mine)
        else:
            by_row: dict[int, set[int]] = {}
            for f in mine:
                if f.row is not None:
                    by_row.setdefault(f.row, set()).update(f.points)
            n += len(spoilt.rows)
            found += sum(row in by_row and set(points) <= by_row[row] for row, points in spoilt.rows.items())
            noticed += len({f.row for f in loud} & set(spoilt.rows))
            right += sum(f.row in spoilt.rows for f in mine)
    return {"n": n, "found": found, "noticed": noticed, "said": said, "right": right, "before": before}


# --- mistakes ---


def some(data: Dataset, share: float, rng: np.random.Generator) -> np.ndarray:
    """At least four objects with all their points."""
    whole = np.flatnonzero(data.landmarks.labelled.all(axis=1))
    return np.sort(rng.permutation(whole)[: max(round(share * len(data)), 4)])


def with_points(data: Dataset, points: np.ndarray) -> Dataset:
    return replace(data, landmarks=replace(data.landmarks, points=points))


def sizes(data: Dataset) -> np.ndarray:
    return np.array([data.images[int(i)].size for i in data.landmarks.image_index], float)[:, None]


def whole_object(kinds: tuple[str, ...], change: Callable[[Dataset, np.ndarray], np.ndarray | None]) -> Callable:
    """A mistake of a share of the objects; `change` gives all of the spoilt points."""

    def spoil(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt | None:
        rows = some(data, share, rng)
        changed = change(data, sizes(data))
        if changed is None:
            return None
        points = data.landmarks.points.copy()
        points[rows] = changed[rows]
        return Spoilt(with_points(data, points), kinds, dict.fromkeys(rows.tolist(), ()))

    return spoil


def swapped_names(data: Dataset, size: np.ndarray) -> np.ndarray | None:
    flip = data.skeleton.flip
    return None if flip is None else data.landmarks.points[:, list(flip)]


def mirrored(data: Dataset, size: np.ndarray) -> np.ndarray | None:
    p = data.landmarks.points
    return np.stack([size[..., 0] - 1 - p[..., 0], p[..., 1]], axis=-1)


def from_bottom(data: Dataset, size: np.ndarray) -> np.ndarray | None:
    p = data.landmarks.points
    return np.stack([p[..., 0], size[..., 1] - 1 - p[..., 1]], axis=-1)


def exchanged_axes(data: Dataset, size: np.ndarray) -> np.ndarray | None:
    return data.landmarks.points[..., ::-1]


def fractions(data: Dataset, size: np.ndarray) -> np.ndarray | None:
    return data.landmarks.points / size


def diameter(shape: np.ndarray) -> np.ndarray:
    return np.linalg.norm(shape[:, None] - shape[None], axis=-1)


def exchanged(data: Dataset, distance: tuple[float, float], rng: np.random.Generator) -> Spoilt:
    """Two points whose distance is a share of the object's diameter in the given range change names."""
    points, rows = data.landmarks.points.copy(), {}
    for row in some(data, 0.05, rng).tolist():
        apart = diameter(points[row])
        apart = apart / apart.max()
        a, b = np.nonzero(np.triu((apart >= distance[0]) & (apart < distance[1]), 1))
        if len(a):
            i = rng.integers(len(a))
            points[row, [a[i], b[i]]] = points[row, [b[i], a[i]]]
            rows[row] = (int(a[i]), int(b[i]))
    return Spoilt(with_points(data, points), ("points_exchanged",), rows)


def displaced(data: Dataset, by: float, rng: np.random.Generator) -> Spoilt:
    """One point moved by a share of the object's diameter in any direction."""
    points, rows = data.landmarks.points.copy(), {}
    for row in some(data, 0.05, rng).tolist():
        k, angle = int(rng.integers(points.shape[1])), rng.uniform(0, 2 * np.pi)
        points[row, k] += by * diameter(points[row]).max() * np.array([np.cos(angle), np.sin(angle)])
        rows[row] = (k,)
    return Spoilt(with_points(data, points), ("unlikely_point", "outside_picture"), rows)


def outside(data: Dataset, by: float, rng: np.random.Generator) -> Spoilt:
    """One point beyond a random edge: by px, or by a share of the side below 1."""
    points, rows, size = data.landmarks.points.copy(), {}, sizes(data)[:, 0]
    for row in some(data, 0.05, rng).tolist():
        k, axis, high = int(rng.integers(points.shape[1])), int(rng.integers(2)), bool(rng.integers(2))
        step = by * size[row].max() if by < 1 else by
        points[row, k, axis] = size[row, axis] - 1 + step if high else -step
        rows[row] = (k,)
    return Spoilt(with_points(data, points), ("outside_picture",), rows)


def marks(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt:
    """A point at (0, 0), as programs write what is missing."""
    points, rows = data.landmarks.points.copy(), {}
    for row in some(data, share, rng).tolist():
        k = int(rng.integers(points.shape[1]))
        points[row, k] = 0.0
        rows[row] = (k,)
    return Spoilt(with_points(data, points), ("placeholder",), rows)


def constant(data: Dataset, jitter: float, rng: np.random.Generator) -> Spoilt:
    """One point in the same place of every picture, give or take `jitter` px."""
    points, k = data.landmarks.points.copy(), int(rng.integers(data.landmarks.points.shape[1]))
    points[:, k] = points[:, k].mean(axis=0) + rng.normal(0, jitter, (len(points), 2))
    return Spoilt(with_points(data, points), ("constant_point",), things={data.skeleton.names[k]})


def copied(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt:
    """Labels of another object left on a picture."""
    points, rows = data.landmarks.points.copy(), some(data, min(share, 0.3), rng)
    others = rng.permutation(np.setdiff1d(np.arange(len(data)), rows))[: len(rows)]
    rows = rows[: len(others)]
    points[rows] = points[others]
    index = data.landmarks.image_index
    pairs = {tuple(sorted((int(index[a]), int(index[b])))) for a, b in zip(rows, others, strict=True)}
    return Spoilt(with_points(data, points), ("copied_labels",), pairs=pairs)


def hidden_without_place(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt:
    points, rows = data.landmarks.points.copy(), {}
    visibility = np.full(points.shape[:2], 2)
    for row in some(data, share, rng).tolist():
        k = int(rng.integers(points.shape[1]))
        points[row, k], visibility[row, k] = np.nan, 1
        rows[row] = (k,)
    labels = replace(data.landmarks, points=points, visibility=visibility)
    return Spoilt(replace(data, landmarks=labels), ("visibility",), rows)


def wrong_box(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt:
    """A box as x, y, width, height."""
    rows, boxes = some(data, share, rng), data.landmarks.boxes.copy()
    boxes[rows, 2:] -= boxes[rows, :2]
    return Spoilt(
        replace(data, landmarks=replace(data.landmarks, boxes=boxes)), ("bad_box",), dict.fromkeys(rows.tolist(), ())
    )


def doubles(data: Dataset, how: str, rng: np.random.Generator) -> Spoilt:
    """Copies of some pictures, changed, put into another split with labels set anew (1 px of noise)."""
    rows = some(data, 0.05, rng)
    images, points, boxes = list(data.images), [data.landmarks.points], [data.landmarks.boxes]
    index, pairs = [data.landmarks.image_index], set()
    for row in rows:
        first = int(data.landmarks.image_index[row])
        pixels, scale = altered(images[first].pixels, how)
        pairs.add((first, len(images)))
        index.append(np.array([len(images)]))
        images.append(Image(pixels))
        shape = data.landmarks.points[row] * scale + rng.normal(0, 1, data.landmarks.points[row].shape)
        points.append(shape[None])
        boxes.append(np.concatenate([shape.min(axis=0), shape.max(axis=0)])[None])
    labels = cairn.Landmarks(data.skeleton, np.concatenate(points), np.concatenate(boxes), np.concatenate(index))
    split = np.array(["train"] * len(data.images) + ["test"] * len(pairs))
    return Spoilt(Dataset(ImageList(images), labels, split=split), ("duplicate_picture",), pairs=pairs)


def altered(pixels: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """A copy as it comes back from the network, and the factor of its coordinates (without the crop)."""
    factor, quality = {"slight": (1.0, 90), "middle": (0.7, 70), "strong": (0.5, 40)}[how]
    size = np.array(pixels.shape[1::-1])
    new = np.maximum(np.rint(size * factor), 8).astype(int)
    out = cv2.resize(pixels, tuple(new.tolist()), interpolation=cv2.INTER_AREA).astype(np.float64)
    if how == "middle":
        out = out + 20
    if how == "strong":
        out = 255 * (np.clip(out / 255, 0, 1) ** 0.7) * 0.8 + 15
        cut = np.maximum(np.rint(0.01 * new), 1).astype(int)
        out = out[cut[1] : -cut[1], cut[0] : -cut[0]]
    data = cv2.imencode(".jpg", np.clip(out, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED), new / size


def leaks(data: Dataset, share: float, rng: np.random.Generator) -> Spoilt:
    """Subjects of three objects each, split by subject; some of them then get one picture in the other split."""
    subject = np.array([f"s{i // 3}" for i in range(len(data))])
    names = np.unique(subject)
    test = set(rng.permutation(names)[: len(names) // 5].tolist())
    split = np.array(["test" if s in test else "train" for s in subject])
    wrong = rng.permutation(np.unique(subject[: len(data) // 3 * 3]))[: max(round(share * len(names)), 1)]
    for s in wrong:
        row = int(np.flatnonzero(subject == s)[0])
        split[row] = "train" if split[row] == "test" else "test"
    of_image = np.full(len(data.images), "", dtype=split.dtype)
    of_image[data.landmarks.image_index] = split
    return Spoilt(
        replace(data, subject=subject, split=of_image), ("subject_in_splits",), things={str(s) for s in wrong}
    )


def observer_shifted(data: Dataset, by: float, rng: np.random.Generator) -> Spoilt | None:
    """A third observer whose origin is another one: all his points by so many px, besides 1.5 px of his own noise."""
    if data.observers is None:
        return None
    chosen = data.observers[1:]  # the first two are the same
    third = chosen.mean(axis=0) + rng.normal(0, 1.5, chosen.shape[1:]) + by
    observers = np.concatenate([chosen, third[None]])
    return Spoilt(replace(data, observers=observers, observer_names=("a", "b", "third")), ("offset",), things={"third"})


def source_shifted(data: Dataset, by: float, rng: np.random.Generator) -> Spoilt:
    """Half of the pictures come from a second source, whose coordinates have another origin."""
    second = rng.random(len(data)) < 0.5
    source = np.where(second, "second", "first")
    points = data.landmarks.points + by * second[:, None, None]
    data = replace(data, columns={"source": source})
    return Spoilt(with_points(data, points), ("offset",), things={"second"})


FAULTS: dict[str, tuple[tuple[Any, ...], Callable[..., Spoilt | None]]] = {
    "left and right names swapped": (SHARES, whole_object(("left_right_swapped",), swapped_names)),
    "labels of the mirrored picture": (SHARES, whole_object(("mirrored", "left_right_swapped"), mirrored)),
    "y counted from the bottom": (SHARES, whole_object(("y_from_bottom",), from_bottom)),
    "x and y exchanged": (SHARES, whole_object(("xy_exchanged",), exchanged_axes)),
    "fractions instead of pixels": (SHARES, whole_object(("normalised",), fractions)),
    "two points exchanged, distance of the diameter": (((0.03, 0.1), (0.1, 0.3), (0.3, 1.1)), exchanged),
    "a point moved, by share of the diameter": ((0.04, 0.08, 0.16), displaced),
    "a point outside, px or share of the side": ((1.0, 5.0, 0.2), outside),
    "a point at (0, 0) for missing": (SHARES, marks),
    "a point that never moves, px of jitter": ((0.0, 0.2, 0.5), constant),
    "labels copied from another picture": (SHARES, copied),
    "hidden without a coordinate": (SHARES, hidden_without_place),
    "box as x, y, width, height": (SHARES, wrong_box),
    "the same picture twice, alteration": (("slight", "middle", "strong"), doubles),
    "a subject in two splits": (SHARES, leaks),
    "origin of one source, px": ((0.5, 1.0, 2.0), source_shifted),
    "origin of one observer, px": ((0.5, 1.0, 2.0), observer_shifted),
}


def real_duplicates() -> dict[str, Any]:
    """The pairs of near-duplicates.csv among all 300 films."""
    data = cairn.read(DATA / "cephalo19")
    number = {int(data.images.label(i).rsplit("/", 1)[-1].split(".")[0]): i for i in range(len(data.images))}
    with open(DATA / "cephalo19" / "near_duplicates.csv") as file:
        truth = {tuple(sorted((number[int(r["a"])], number[int(r["b"])]))) for r in csv.DictReader(file)}
    said = {tuple(sorted(f.images)) for f in cairn.check(data).of_kind("duplicate_picture")}
    hit = len(said & truth)
    row = {"n": len(truth), "found": hit, "noticed": hit, "said": len(said), "right": hit, "before": 0}
    return {"data": "cephalo19, all", "fault": "near_duplicates.csv", "magnitude": "real", **row}


def write(stored: dict[str, Any]) -> None:
    STORE.write_text(json.dumps({"command": COMMAND, "machine": machine()} | stored, indent=1) + "\n")
    lines = [
        f"Written by `{COMMAND}`; {machine()}.",
        f"Reading {stored['readings']} of cephalo19's test films, as pictures only.",
        "",
        "Found: the right kind, object and points. Noticed: any error or warning at the object. Precision: findings of",
        "that kind that are at spoilt objects; those made of the data as they are stand under as before.",
        "Thresholds were chosen on other pictures, see the head of the script.",
        "",
        "| data | mistake | magnitude | n | found | noticed | precision | as before |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in stored["figures"]:
        precision = f"{100 * r['right'] / r['said']:.0f} % of {r['said']}" if r["said"] else "-"
        lines.append(
            f"| {r['data']} | {r['fault']} | {r['magnitude']} | {r['n']} | {100 * r['found'] / r['n']:.0f} % "
            f"| {100 * r['noticed'] / r['n']:.0f} % | {precision} | {r['before']} |"
        )
    lines += ["", "Findings on the same data as they are:", ""]
    lines += ["| data | objects | seconds | findings |", "|---|---|---|---|"]
    for name, c in stored["as_they_are"].items():
        said = ", ".join(f"{n} {kind}" for kind, n in c["findings"].items())
        lines.append(f"| {name} | {c['objects']} | {c['seconds']:.1f} | {said} |")
    (RESULTS / "check_faults.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
