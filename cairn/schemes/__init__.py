"""Known skeletons by name, and how a file's own names are matched to them.

What a file says always wins: its names and edges stay as they are, and a scheme only adds what the file cannot say
(mirror image, parts, normalisers, sigmas), and only where every name matches; or, where names only count, where every
one of many edges does. A mirror image is never guessed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import replace

from cairn.errors import InputError
from cairn.skeleton import Skeleton

__all__ = ["SCHEMES", "complete", "plain", "recognise", "scheme"]

# name: home module, imported when it is asked for
SCHEMES: dict[str, str] = {
    "face5": "cairn.schemes.face5",
    "face19": "cairn.schemes.face19",
    "face29": "cairn.schemes.face29",
    "face51": "cairn.schemes.face51",
    "face68": "cairn.schemes.face68",
    "face98": "cairn.schemes.face98",
    "face106": "cairn.schemes.face106",
    "face189": "cairn.schemes.face189",
    "body14": "cairn.schemes.body14",
    "body17": "cairn.schemes.body17",
    "hand21": "cairn.schemes.hand21",
    "cephalo19": "cairn.schemes.cephalo19",
    "openfield4": "cairn.schemes.openfield4",
    "wheels5": "cairn.schemes.wheels5",
    "wings12": "cairn.schemes.wings12",
}

# Numbers of points that mean one scheme even without names. Only where no other scheme in use has as many: 68 points
# are the 300-W face, but 19 may be a skull or an AFLW face, 106 has two orders, and 5, 12 or 98 may be anything.
_BY_COUNT = {68: "face68"}

# Up to so many points, edges alone say nothing: a chain or a star may be anything.
_FEW = 25

_GENERIC = re.compile(r"(?:p|pt|point|kp|keypoint|lm|landmark)?[ _.-]?0*(\d+)", re.IGNORECASE)


def scheme(name: str) -> Skeleton:
    """The skeleton called `name`.

    Raises
    ------
    InputError : no such scheme; the message lists those that there are
    """
    if name not in SCHEMES:
        raise InputError(f"no scheme {name!r}; the known ones are {', '.join(SCHEMES)}")
    return importlib.import_module(SCHEMES[name]).SKELETON


def is_generic(names: Sequence[str]) -> bool:
    """Whether the names only count (``p0, p1, ...`` or ``1, 2, ...``), from 0 or 1 upwards."""
    matches = [_GENERIC.fullmatch(n) for n in names]
    numbers = [int(m[1]) for m in matches if m is not None and len(m[1]) < 9]
    return len(numbers) == len(names) and numbers in (list(range(len(names))), list(range(1, len(names) + 1)))


def recognise(names: Sequence[str] | None = None, k: int | None = None) -> Skeleton | None:
    """The known scheme that these points are, or None where that is not certain.

    Parameters
    ----------
    names : point names as the file has them; None or names that only count say nothing
    k : number of points, where there are no names

    Returns
    -------
    Skeleton : a scheme with its own names, where there are none or they only count; otherwise a scheme whose names are
        those given, in the order given (case, spaces and hyphens do not matter); None where nothing fits
    """
    if names is None or is_generic(names):
        count = len(names) if names is not None else k
        return scheme(_BY_COUNT[count]) if count in _BY_COUNT else None
    given = [plain(n) for n in names]
    for known in SCHEMES:
        found = scheme(known)
        if len(found) != len(given):
            continue
        own = [plain(n) for n in found.names]
        if len(set(own)) == len(own) and sorted(own) == sorted(given):
            return _reordered(found, [own.index(n) for n in given], names)
    return None


def complete(skeleton: Skeleton) -> Skeleton:
    """`skeleton` with what a known scheme adds to it; itself where none fits.

    Edges, flip, parts, normalisers and sigmas that it already has stay.
    """
    known = recognise(skeleton.names) or _by_edges(skeleton)
    if known is None:
        return skeleton
    return replace(
        known,
        edges=skeleton.edges or known.edges,
        flip=known.flip if skeleton.flip is None else skeleton.flip,
        parts=skeleton.parts or known.parts,
        normalisers=skeleton.normalisers or known.normalisers,
        sigmas=known.sigmas if skeleton.sigmas is None else skeleton.sigmas,
    )


def _by_edges(skeleton: Skeleton) -> Skeleton | None:
    """The scheme of points that only count, where its edges are theirs, every one: as good as names."""
    if not is_generic(skeleton.names) or len(skeleton.edges) < len(skeleton) // 2:
        return None
    edges = {frozenset(e) for e in skeleton.edges}
    fitting = [s for s in map(scheme, SCHEMES) if len(s) == len(skeleton) and {frozenset(e) for e in s.edges} == edges]
    return fitting[0] if len(fitting) == 1 and len(skeleton) > _FEW else None


def plain(name: str) -> str:
    """A point's name as it is compared: case, spaces and hyphens do not matter."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _reordered(skeleton: Skeleton, order: list[int], names: Sequence[str]) -> Skeleton:
    """The same scheme with its columns in another order: new column i is old column ``order[i]``."""
    if order == list(range(len(order))) and tuple(names) == skeleton.names:
        return skeleton
    new = {old: i for i, old in enumerate(order)}
    flip = None if skeleton.flip is None else tuple(new[skeleton.flip[old]] for old in order)
    return replace(
        skeleton,
        names=tuple(names),
        edges=tuple((new[a], new[b]) for a, b in skeleton.edges),
        flip=flip,
        parts={part: tuple(new[i] for i in group) for part, group in skeleton.parts.items()},
        normalisers={
            n: (tuple(new[i] for i in a), tuple(new[i] for i in b)) for n, (a, b) in skeleton.normalisers.items()
        },
        sigmas=None if skeleton.sigmas is None else tuple(skeleton.sigmas[old] for old in order),
    )
