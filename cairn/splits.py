"""How data is split: by whole groups, evenly over a column, or by blocks of time; and who stands on both sides.

What belongs together is never parted: the objects of a picture, the pictures of a subject, and whatever else a column
names (`by`). The groups are drawn with a seed. With `stratify`, the groups of each value of a column are drawn from by
themselves, so that both sides have it in the same share. Pictures of a film are cut into blocks of consecutive frames
with a gap beside each, because neighbours in time show nearly the same (Roberts et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from cairn.dataset import Dataset
from cairn.errors import InputError

__all__ = ["block_split", "check_leakage", "leaks", "split_into"]

LEFT_OUT = "unused"  # the split of frames in the gaps


def split_into(
    data: Dataset,
    shares: Mapping[str, float],
    *,
    by: str = "",
    stratify: str = "",
    seed: int = 0,
) -> Dataset:
    """The same data with a new split.

    Parameters
    ----------
    data : labelled pictures; a split that it has is replaced
    shares : of the groups for each name, e.g. ``{"test": 0.2}``; ``train`` gets what is left
    by : a column (or ``subject``) whose values are kept together, besides pictures and subjects
    stratify : a column of which every split gets the same share
    seed : of the draw

    Raises
    ------
    InputError : shares that do not fit, no such column, or fewer groups than splits
    """
    parts = _parts(shares)
    groups = _groups(data, by)
    count = int(groups.max(initial=-1)) + 1
    if count < len(parts):
        raise InputError(
            f"the data has {count} group{'s' * (count != 1)} that must stay together and {len(parts)} splits are asked "
            "for; label more pictures or subjects, or split by blocks of time"
        )
    rng = np.random.default_rng(seed)
    names = np.array([""] * count, dtype=object)
    strata = _strata(data, groups, stratify)
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == stratum))
        ends = np.rint(np.cumsum([share for _, share in parts]) * len(members)).astype(int)
        for (name, _), piece in zip(parts, np.split(members, ends[:-1]), strict=True):
            names[piece] = name
    for name, _ in parts:  # a share may have been rounded away in every stratum
        if not (names == name).any():
            most = max((n for n, _ in parts), key=lambda n: int((names == n).sum()))
            names[rng.choice(np.flatnonzero(names == most))] = name
    split = np.array(["train"] * len(data.images), dtype=object)
    split[data.landmarks.image_index] = names[groups]
    said = ", ".join(f"{100 * share:.0f} % {name}" for name, share in parts)
    kept = f"groups of {by}" if by else "subjects" if data.subject is not None else "pictures"
    evenly = f", evenly over {stratify}" if stratify else ""
    return replace(data, split=split.astype(str), split_by=f"{said} by {kept}{evenly}, seed {seed}")


def block_split(data: Dataset, shares: Mapping[str, float], *, blocks: int = 5, gap: int = 1, seed: int = 0) -> Dataset:
    """The same data split by blocks of consecutive frames.

    Parameters
    ----------
    data : pictures with a place in time (`frame`), or in the order of time
    shares : as for `split_into`
    blocks : into so many blocks the film is cut for each split but ``train``; more blocks see more of the film and
        lose more frames to gaps
    gap : frames beside each border that belong to no split (``unused``)
    seed : which frame the first block begins with

    Raises
    ------
    InputError : shares that do not fit, a film that is too short, or a subject that would be on both sides
    """
    parts = _parts(shares)
    if blocks < 1 or gap < 0:
        raise InputError(f"{blocks} blocks with gaps of {gap} frames; give at least 1 block and a gap of 0 or more")
    m = len(data.images)
    if m < 2 * blocks * (len(parts) + gap):
        raise InputError(
            f"{m} frames cannot be cut into {blocks} blocks for each of {len(parts)} splits with gaps of {gap}; "
            "take fewer blocks"
        )
    order = np.arange(m) if data.frame is None else np.argsort(data.frame, kind="stable")
    start = int(np.random.default_rng(seed).integers(m))
    # Every block of the film is cut alike: first the others' shares, then train's.
    place = (np.arange(m) + start) % m
    within = np.round((place * blocks / m) % 1.0, 9) % 1.0
    ends = np.round(np.cumsum([share for _, share in parts]), 9)
    which = np.minimum(np.searchsorted(ends, within, side="right"), len(parts) - 1)
    names = np.array([name for name, _ in parts], dtype=object)[which]
    whole = names.copy()
    for b in np.flatnonzero(whole[1:] != whole[:-1]):
        # The gap is taken from train, which has most frames.
        gone = slice(max(b + 1 - gap, 0), b + 1) if whole[b] == "train" else slice(b + 1, b + 1 + gap)
        names[gone] = LEFT_OUT
    split = np.array([""] * m, dtype=object)
    split[order] = names
    for name, _ in parts:
        if not (split == name).any():
            raise InputError(f"no frame is left for {name}; take fewer blocks or a smaller gap")
    said = ", ".join(f"{100 * share:.0f} % {name}" for name, share in parts)
    how = f"{said} in {blocks} block{'s' * (blocks != 1)} of time, gaps of {gap}, seed {seed}"
    return replace(data, split=split.astype(str), split_by=how)


def leaks(data: Dataset) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(what, splits) for each subject, and each picture file, that is in more than one split. Pixels are not read."""
    if data.split is None:
        return
    split = data.split.astype(str)
    counted = ~np.isin(split, ["", LEFT_OUT])
    if data.subject is not None:
        index = data.landmarks.image_index
        rows = counted[index] & (data.subject.astype(str) != "")
        yield from _in_several("subject", data.subject[rows].astype(str), split[index][rows])
    sources = np.array([str(s) if not hasattr(s, "pixels") else f"\0{i}" for i, s in enumerate(data.images.sources)])
    if counted.any():
        yield from _in_several("picture", sources[counted], split[counted])


def check_leakage(data: Dataset, *, allowed: bool = False) -> None:
    """Refuse data whose splits share a subject or a picture file.

    Only names are compared, so this costs nothing; ``cairn check`` compares the pictures themselves.

    Raises
    ------
    InputError : they do, and it is not allowed
    """
    found = [] if allowed else list(leaks(data))
    if found:
        what, where = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise InputError(
            f"{what}{more} is in {' and in '.join(where)}, so scores would flatter; split again with cairn split, or "
            "give --allow-leakage (allow_leakage=True) if that is meant"
        )


def _in_several(kind: str, names: np.ndarray, split: np.ndarray) -> Iterator[tuple[str, tuple[str, ...]]]:
    pairs = np.unique(np.stack([names, split], axis=1), axis=0) if len(names) else np.empty((0, 2), str)
    several, counts = np.unique(pairs[:, 0], return_counts=True)
    for name in several[counts > 1]:
        yield f"{kind} {name}", tuple(pairs[pairs[:, 0] == name, 1].tolist())


def _parts(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names and shares, ``train`` last; they add up to one."""
    given = {name: float(share) for name, share in shares.items() if name != "train"}
    for name, share in given.items():
        if not name or name == LEFT_OUT:
            raise InputError(f"{name!r} cannot be the name of a split; choose another, such as test")
        if not 0 < share < 1:
            raise InputError(f"a share of {share:g} for {name}; give a number between 0 and 1, such as 0.2")
    if not given:
        raise InputError("no split was asked for; give a share for one, such as test 0.2")
    rest = 1 - sum(given.values())
    if rest <= 1e-9:
        raise InputError(f"the shares add up to {sum(given.values()):g}, which leaves nothing for train")
    return [*given.items(), ("train", rest)]


def _column(data: Dataset, name: str) -> np.ndarray:
    if name == "subject" and data.subject is not None:
        return data.subject.astype(str)
    if name not in data.columns:
        have = [*(["subject"] if data.subject is not None else []), *data.columns]
        there = f"it has {', '.join(have)}" if have else "it has none"
        raise InputError(f"the data has no column {name!r}; {there}")
    return np.asarray(data.columns[name])


def _groups(data: Dataset, by: str) -> np.ndarray:
    """(N,) as `Dataset.groups`, with the values of one more column kept together."""
    if not by or (by == "subject" and data.subject is not None):
        return data.groups()
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = data.groups()
    values = np.unique(_column(data, by).astype(str), return_inverse=True)[1]
    size = int(groups.max(initial=-1)) + 1
    total = size + int(values.max(initial=-1)) + 1
    links = coo_array((np.ones(len(groups), np.int8), (groups, size + values)), shape=(total, total))
    _, label = connected_components(links, directed=False)
    return np.unique(label[groups], return_inverse=True)[1]


def _strata(data: Dataset, groups: np.ndarray, column: str) -> np.ndarray:
    """For each group the value of the column that most of its objects have; numbers are cut at their quartiles."""
    count = int(groups.max(initial=-1)) + 1
    if not column:
        return np.zeros(count, int)
    values = _column(data, column)
    if values.dtype.kind in "fiu" and len(np.unique(values)) > 10:
        cuts = np.nanquantile(values, [0.25, 0.5, 0.75])
        codes = np.where(np.isnan(values.astype(float)), 4, np.searchsorted(cuts, values))
    else:
        codes = np.unique(values.astype(str), return_inverse=True)[1]
    votes = np.zeros((count, int(codes.max(initial=0)) + 1), int)
    np.add.at(votes, (groups, codes), 1)
    return votes.argmax(axis=1)
