"""Sets that are labelled with different schemes, as one: each point is learnt from the objects that have it.

The skeleton is the union. Points of the same name are one column (case, spaces and hyphens do not matter); a point that
is defined by others, such as an eye's centre, is computed where its parts are labelled; everything else is NaN where a
set does not have it, which every detector of ours takes as "no label here". Two conventions are never taken for one:
for that, map a set first (`cairn.map_scheme`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.geometry.procrustes import generalised, ordinary
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.schemes import is_generic, plain
from cairn.schemes.mapping import by_rule
from cairn.skeleton import Skeleton

__all__ = ["mixture", "union"]


def mixture(datasets: Sequence[Dataset], *, own_boxes: bool = False) -> Dataset:
    """One data set of several with different points.

    A picture that stands in several sets is one picture. Pictures of a set without splits count as ``train`` where
    another set has a split of that name. The column ``set`` says which set a row is from.

    Parameters
    ----------
    datasets : in order; the first one's points come first, and its default normaliser stays the default
    own_boxes : keep every box. Otherwise a box that only is the tight one around a further set's own points becomes the
        box that the first set would have there, judged by the points that both have: five points of a face span another
        box than 68, and a detector that learns from boxes should see one kind

    Returns
    -------
    Dataset : places in time stay only where all sets have them, columns likewise; single observers and what a model
        says about points (confidence, covariance, verdicts) are left out

    Raises
    ------
    InputError : no set, sets without a common point, points of different dimension or spacing, a picture that is in
        ``train`` in one set and in ``test`` in another
    """
    if not datasets:
        raise InputError("a mixture needs at least one data set")
    skeleton = union([d.skeleton for d in datasets])
    if (
        len({d.landmarks.points.shape[-1] for d in datasets}) > 1
        or len({d.landmarks.boxes.shape[1] for d in datasets}) > 1
    ):
        raise InputError("the sets have points or boxes of different dimension; they cannot be mixed")
    spacings = {d.spacing for d in datasets}
    if len(spacings) > 1:
        raise InputError("the sets have different mm per pixel; they cannot be mixed")
    wide = [_widened(d, skeleton, datasets) for d in datasets]
    if not own_boxes:
        wide = [wide[0], *(_boxes_like(wide[0], d, own) for d, own in zip(wide[1:], datasets[1:], strict=True))]
    images, places = _pictures(datasets)
    rows = [d.with_image_index(p[d.image_index]) for d, p in zip(wide, places, strict=True)]
    sets = [d.skeleton.name or f"set {i + 1}" for i, d in enumerate(datasets)]
    sets = [name if sets.count(name) == 1 else f"{name} {i + 1}" for i, name in enumerate(sets)]
    columns = {
        name: _joined([d.columns[name] for d in datasets])
        for name in datasets[0].columns
        if name != "set" and all(name in d.columns for d in datasets)
    }
    columns["set"] = np.repeat(sets, [len(d) for d in datasets])
    split, split_by = _splits(datasets, places, images)
    return Dataset(
        images,
        Landmarks.concatenate(rows),
        subject=_subjects(datasets),
        split=split,
        split_by=split_by,
        frame=_frames(datasets, places, images),
        spacing=datasets[0].spacing,
        licence="; ".join(dict.fromkeys(d.licence or "not stated" for d in datasets))
        if any(d.licence for d in datasets)
        else "",
        columns=columns,
    )


def union(skeletons: Sequence[Skeleton]) -> Skeleton:
    """All points of several skeletons, those of the first one first.

    Edges, parts and normalisers are joined; of those with one name the first one's stays (parts grow). There is a
    mirror image only where all have one and they agree.

    Raises
    ------
    InputError : points without names; a set that has no point in common with those before it
    """
    first = skeletons[0]
    for i, skeleton in enumerate(skeletons):
        if is_generic(skeleton.names) and any(s.names != skeleton.names for s in skeletons):
            raise InputError(
                f"the points of set {i + 1} have no names ({skeleton.names[0]}, ...), so nobody knows which of them "
                "the other sets have; name them, or say which scheme they are (cairn convert --from-scheme)"
            )
    places: dict[str, int] = {plain(n): i for i, n in enumerate(first.names)}
    names = list(first.names)
    columns = []
    for i, skeleton in enumerate(skeletons):
        shared = any(plain(n) in places for n in skeleton.names)
        if (
            i
            and not shared
            and not any(_derived(a, b) for s in skeletons[:i] for a, b in ((s, skeleton), (skeleton, s)))
        ):
            own = ", ".join(skeleton.names[:3])
            raise InputError(
                f"set {i + 1} ({own}, ...) has no point in common with those before it; give the same points the same "
                "names, or map one set to the other's scheme first"
            )
        for name in skeleton.names:
            if plain(name) not in places:
                places[plain(name)] = len(names)
                names.append(name)
        columns.append([places[plain(n)] for n in skeleton.names])
    if len(names) == len(first):
        return first
    edges: dict[frozenset[int], tuple[int, int]] = {}
    parts: dict[str, list[int]] = {}
    normalisers: dict[str, Any] = {}
    for skeleton, column in zip(skeletons, columns, strict=True):
        for a, b in skeleton.edges:
            edges.setdefault(frozenset((column[a], column[b])), (column[a], column[b]))
        for part, points in skeleton.parts.items():
            parts[part] = list(dict.fromkeys([*parts.get(part, []), *(column[p] for p in points)]))
        for name, groups in skeleton.normalisers.items():
            normalisers.setdefault(name, tuple(tuple(column[p] for p in group) for group in groups))
    label = " + ".join(dict.fromkeys(s.name for s in skeletons if s.name))
    return Skeleton(
        names=tuple(names),
        edges=tuple(edges.values()),
        flip=_flip(skeletons, columns, len(names)),
        flip_axis=first.flip_axis,
        parts={part: tuple(points) for part, points in parts.items()},
        normalisers=normalisers,
        name=label,
        source="; ".join(dict.fromkeys(s.source for s in skeletons if s.source)),
    )


def _flip(skeletons: Sequence[Skeleton], columns: list[list[int]], k: int) -> tuple[int, ...] | None:
    flip = np.full(k, -1)
    for skeleton, column in zip(skeletons, columns, strict=True):
        if skeleton.flip is None or skeleton.flip_axis != skeletons[0].flip_axis:
            return None
        for i, j in enumerate(skeleton.flip):
            if flip[column[i]] not in (-1, column[j]):
                return None
            flip[column[i]] = column[j]
    return tuple(flip.tolist()) if (flip[flip] == np.arange(k)).all() else None


def _derived(source: Skeleton, target: Skeleton) -> list[str]:
    """Names of the target that are defined by points of the source, and are not among them."""
    try:
        route = by_rule(source, target)
    except InputError:
        return []
    own = {plain(n) for n in source.names}
    return [
        name
        for name, rule in zip(target.names, route.rules, strict=True)
        if rule is not None and rule.exact and plain(name) not in own
    ]


def _widened(dataset: Dataset, skeleton: Skeleton, others: Sequence[Dataset]) -> Landmarks:
    """The rows with the columns of the union."""
    marks = dataset.landmarks
    places = {plain(n): i for i, n in enumerate(skeleton.names)}
    column = [places[plain(n)] for n in marks.skeleton.names]
    n, k = len(marks), len(skeleton)
    points = np.full((n, k, marks.points.shape[-1]), np.nan)
    points[:, column] = marks.points
    seen = np.where(np.isfinite(points).all(axis=-1), 2, 0).astype(np.uint8)
    if marks.visibility is not None:
        seen[:, column] = marks.visibility
    for other in others:
        names = _derived(marks.skeleton, other.skeleton)
        if not names:
            continue
        route = by_rule(marks.skeleton, other.skeleton)
        mapped = route.apply(replace(marks, visibility=seen[:, column]))
        for name in names:
            j = route.target.names.index(name)
            points[:, places[plain(name)]] = mapped.points[:, j]
            assert mapped.visibility is not None
            seen[:, places[plain(name)]] = mapped.visibility[:, j]
    some = any(d.landmarks.visibility is not None for d in others)
    return Landmarks(skeleton, points, marks.boxes, marks.image_index, visibility=seen if some else None)


def _boxes_like(first: Landmarks, marks: Landmarks, own: Dataset) -> Landmarks:
    """Tight boxes around other points replaced by what the first set's boxes are to the points that both have."""
    shared = np.flatnonzero(first.labelled.any(axis=0) & marks.labelled.any(axis=0))
    tight = np.isclose(marks.boxes, box_geometry.around(own.landmarks.points), atol=1e-6).all(axis=1)
    same = {plain(n) for n in own.skeleton.names} == {
        plain(first.skeleton.names[i]) for i in np.flatnonzero(first.labelled.any(axis=0))
    }
    usable = first.labelled[:, shared].all(axis=1) & box_geometry.is_valid(first.boxes)
    if same or len(shared) < 2 or not usable.any() or marks.points.shape[-1] != 2:
        return marks
    reference = first.points[usable][:, shared]
    mean = generalised(reference).mean
    _, maps = ordinary(reference, mean)
    zoom = np.sqrt(np.abs(np.linalg.det(maps[:, :, :2])))
    middle = np.nanmean(transforms.apply(maps, box_geometry.centre(first.boxes[usable])[:, None])[:, 0], axis=0)
    size = np.nanmean(box_geometry.sides(first.boxes[usable]) * zoom[:, None], axis=0)
    _, maps = ordinary(marks.points[:, shared], mean)
    zoom = np.sqrt(np.abs(np.linalg.det(maps[:, :, :2])))
    known = tight & np.isfinite(zoom) & (zoom > 0)
    placed = transforms.apply(transforms.invert(maps[known]), np.tile(middle, (int(known.sum()), 1, 1)))[:, 0]
    half = size / zoom[known, None] / 2
    boxes = marks.boxes.copy()
    boxes[known] = np.concatenate([placed - half, placed + half], axis=1)
    return replace(marks, boxes=boxes)


def _pictures(datasets: Sequence[Dataset]) -> tuple[ImageList, list[np.ndarray]]:
    """All pictures, each once, and for each set where its own are among them."""
    sources: list[Source | Image] = []
    known: dict[Any, int] = {}
    places = []
    for dataset in datasets:
        own = np.empty(len(dataset.images), np.int64)
        for i, source in enumerate(dataset.images.sources):
            given = source
            key: Any = id(given)
            if isinstance(given, Source):
                key = (os.path.abspath(given.path), given.page, given.frame)
            if key not in known:
                known[key] = len(sources)
                sources.append(given)
            own[i] = known[key]
        places.append(own)
    return ImageList(sources), places


def _splits(datasets: Sequence[Dataset], places: list[np.ndarray], images: ImageList) -> tuple[np.ndarray | None, str]:
    given = [d.split is not None and bool((d.split != "").any()) for d in datasets]
    if not any(given):
        return None, ""
    train = any(d.split is not None and (d.split == "train").any() for d in datasets)
    split = np.full(len(images), "", dtype=object)
    for dataset, place, own in zip(datasets, places, given, strict=True):
        names = dataset.split if own else np.full(len(place), "train" if train else "")
        assert names is not None
        for i, name in zip(place.tolist(), names.tolist(), strict=True):
            if split[i] and name and split[i] != name and own:
                raise InputError(
                    f"{images.label(i)}: is in {split[i]} in one set and in {name} in another, so training would see "
                    "what it is tested on; take it out of one"
                )
            split[i] = name if own and name else split[i] or name
    by = "; ".join(dict.fromkeys(d.split_by for d in datasets if d.split_by))
    if train and not all(given):
        by = "; ".join([*([by] if by else []), "sets without splits count as train"])
    return split.astype(np.str_), by


def _subjects(datasets: Sequence[Dataset]) -> np.ndarray | None:
    if all(d.subject is None for d in datasets):
        return None
    return np.concatenate([np.full(len(d), "") if d.subject is None else d.subject.astype(np.str_) for d in datasets])


def _frames(datasets: Sequence[Dataset], places: list[np.ndarray], images: ImageList) -> np.ndarray | None:
    """Places in time, one set after the other; none where a set has none."""
    frames = np.full(len(images), -1)
    start = 0
    for dataset, place in zip(datasets, places, strict=True):
        if dataset.frame is None:
            return None
        new = frames[place] < 0
        frames[place[new]] = start + dataset.frame[new] - (dataset.frame.min() if len(place) else 0)
        start = int(frames.max(initial=-1)) + 1
    return frames


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    if len({c.dtype.kind for c in columns}) > 1:
        columns = [c.astype(np.str_) for c in columns]
    return np.concatenate(columns)
