"""Pictures that are there twice: byte for byte, or made smaller, brighter, compressed again.

How alike two different pictures of one kind are depends on the kind: faces correlate at 0.5, wings under one microscope
at 0.95. So the line is drawn where the data says: with m the median, over pictures, of the similarity to the most
similar other one, two pictures are the same when ``1 - s < 0.3 (1 - m)``, and in any case only above 0.85 and always
above 0.985.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cairn.dataset import Dataset
from cairn.evaluation.checks.findings import Finding
from cairn.evaluation.checks.pictures import Pictures, fingerprint

__all__ = ["duplicate_findings", "same_pictures"]

NEARER = 0.3  # than this share of the usual distance to the most similar picture
LEAST, SURE = 0.85, 0.985
_COARSE = (2, 10)  # frequencies of 64 by which pairs are chosen to be laid on each other
_NEIGHBOURS, _ALIKE = 2, 0.8  # of each picture, and how alike at least
_MOST_LAID = 20_000  # pairs, 4 ms each
_MARGIN = 6  # px of 64 that may be missing at each side
_STRETCH, _SHEAR = 0.15, 0.1
_MANY = 0.3  # share of pictures with a double, from which they are frames of a film
_BLOCK = 2048


def same_pictures(pictures: Pictures) -> tuple[np.ndarray, np.ndarray, float]:
    """Pairs that show the same.

    Returns
    -------
    (P, 2) indices, first < second; (P,) similarity, 2 where the pixels are equal; and the line that was drawn
    """
    v = pictures.fingerprints
    m = len(v)
    best = np.full(m, -1.0)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, m, _BLOCK):
        s = v[start : start + _BLOCK] @ v.T
        s[np.arange(len(s)), np.arange(start, start + len(s))] = -1
        best[start : start + len(s)] = s.max(axis=1, initial=-1)
        i, j = np.nonzero(s > LEAST)
        ahead = start + i < j
        i, j = i[ahead], j[ahead]
        found.append((np.stack([start + i, j], axis=1), s[i, j]))
    usable = np.linalg.norm(v, axis=1) > 0
    usual = float(np.median(best[usable])) if usable.any() else 0.0
    line = float(np.clip(1 - NEARER * (1 - usual), LEAST, SURE))
    pairs = np.concatenate([p for p, _ in found]) if found else np.empty((0, 2), int)
    similarity = np.concatenate([s for _, s in found]) if found else np.empty(0)
    near = similarity > line
    pairs, similarity = pairs[near], similarity[near].astype(float)
    equal = _equal_pairs(pictures.digests)
    known = {(int(a), int(b)): float(s) for (a, b), s in zip(pairs, similarity, strict=True)}
    for pair, s in _laid_on(pictures.thumbnails, usable, set(known) | set(equal)).items():
        known.setdefault(pair, s)
    known |= dict.fromkeys(equal, 2.0)
    order = sorted(known, key=lambda p: (-known[p], p))
    return np.array(order, int).reshape(-1, 2), np.array([known[p] for p in order]), line


def _laid_on(thumbnails: np.ndarray, usable: np.ndarray, known: set[tuple[int, int]]) -> dict[tuple[int, int], float]:
    """Pairs that are the same once one is laid on the other, and how alike they are."""
    m = len(thumbnails)
    coarse = np.concatenate(
        [fingerprint(thumbnails[i : i + _BLOCK].astype(np.float32), *_COARSE) for i in range(0, m, _BLOCK)]
        or [np.zeros((0, 1), np.float32)]
    )
    candidates: dict[tuple[int, int], float] = {}
    for start in range(0, m, _BLOCK):
        s = coarse[start : start + _BLOCK] @ coarse.T
        s[np.arange(len(s)), np.arange(start, start + len(s))] = -1
        for _ in range(min(_NEIGHBOURS, m - 1)):
            j = s.argmax(axis=1)
            value = s[np.arange(len(s)), j]
            s[np.arange(len(s)), j] = -1
            for i in np.flatnonzero((value > _ALIKE) & usable[start : start + len(s)]).tolist():
                a, b = sorted((start + i, int(j[i])))
                candidates[a, b] = float(value[i])
    chosen = sorted(candidates, key=lambda pair: -candidates[pair])[:_MOST_LAID]
    alike = {pair: _after_laying(thumbnails[pair[0]], thumbnails[pair[1]]) for pair in chosen if pair not in known}
    best = np.zeros(m)
    for pair, s in alike.items():
        best[list(pair)] = np.maximum(best[list(pair)], s)
    for pair in known:
        best[list(pair)] = 0  # what has a double says nothing of strangers
    usual = float(np.median(best[usable])) if usable.any() else 0.0
    line = float(np.clip(1 - NEARER * (1 - usual), LEAST, SURE))
    return {pair: s for pair, s in alike.items() if s > line}


def _after_laying(a: np.ndarray, b: np.ndarray) -> float:
    """Similarity of two thumbnails after the second was laid on the first; 0 where that needs too much of a change."""
    import cv2

    first, second = a.astype(np.float32), b.astype(np.float32)
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        start, everywhere = np.eye(2, 3, dtype=np.float32), np.ones_like(a)
        _, way = cv2.findTransformECC(first, second, start, cv2.MOTION_AFFINE, until, everywhere, 1)
    except cv2.error:  # does not converge
        return 0.0
    change = np.abs(way[:, :2] - np.eye(2))
    side = len(a)
    corners = way[:, :2] @ np.array([[0, side, 0, side], [0, 0, side, side]]) + way[:, 2:]
    apart = np.abs(corners - np.array([[0, side, 0, side], [0, 0, side, side]])).max()
    if np.diag(change).max() > _STRETCH or max(change[0, 1], change[1, 0]) > _SHEAR or apart > 1.5 * _MARGIN:
        return 0.0
    laid = cv2.warpAffine(second, way, (side, side), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    inner = slice(_MARGIN, side - _MARGIN)
    one, other = fingerprint(np.stack([first[inner, inner], laid[inner, inner]]), 5, 28)
    return float(one @ other)


def _equal_pairs(digests: tuple[str, ...]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    pairs = []
    for i, digest in enumerate(digests):
        if digest and digest in first:
            pairs.append((first[digest], i))
        elif digest:
            first[digest] = i
    return pairs


def duplicate_findings(data: Dataset, pictures: Pictures) -> Iterator[Finding]:
    """Each pair of pictures that show the same; across splits it is an error.

    Several labelled objects may be cut out of one photograph: what is compared is the picture as it was given.
    Frames of a film, and other sets in which nearly every picture has a double, get one sentence together.
    """
    pairs, similarity, _ = same_pictures(pictures)
    if not len(pairs):
        return
    sources = [str(s) for s in data.images.sources]
    same_file = np.array([sources[a] == sources[b] for a, b in pairs])
    split = None if data.split is None else data.split.astype(str)
    across = np.zeros(len(pairs), bool)
    if split is not None:
        a, b = split[pairs[:, 0]], split[pairs[:, 1]]
        across = (a != b) & (a != "") & (b != "")
    doubled = len(np.unique(pairs[~same_file])) / max(len(pictures.sizes), 1)
    film = doubled > _MANY and len(pictures.sizes) > 10
    if film:
        worst = f", {int(across.sum())} pairs of them in different splits" if across.any() else ""
        yield Finding(
            "alike_pictures",
            "error" if across.any() else "warning",
            f"{100 * doubled:.0f} % of the pictures are nearly the same as another one{worst}; they look like frames "
            "of a film",
            score=float(doubled),
        )
    for (a, b), s, twice, apart in zip(pairs.tolist(), similarity, same_file, across, strict=True):
        if film and s < 2:
            continue
        names = (data.images.label(a), data.images.label(b))
        how = "the same file" if twice else "the same pixels" if s >= 2 else f"the same picture ({s:.3f} alike)"
        where = "" if not apart or split is None else f", one in {split[a]}, one in {split[b]}"
        yield Finding(
            "duplicate_picture",
            "error" if apart else "warning",
            f"{names[0]} and {names[1]}: {how}{where}",
            (a, b),
            pictures=names,
            score=float(s) + 10 * apart,
        )
