"""Feed every reader of label files with damaged and hostile files.

    python scripts/fuzz_formats.py [--minutes 10] [--only NAME] [--seed 0]
    python scripts/fuzz_formats.py --make-corpus

Each execution changes a file of the corpus (tests/formats/corpus) at random and reads it. What may come out is a
`Dataset` or an `InputError`, within `LONGEST` seconds and `LARGEST` bytes; anything else is a crash, is kept in
``runs/fuzz`` and makes the exit code 1. Figures go to benchmarks/results/fuzz_formats.md. The tests run the same for a
few seconds a format. Nothing here knows a format: changes are to bytes, numbers, words and brackets.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import platform
import re
import resource
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from cairn.errors import InputError
from cairn.formats import FORMATS, read, sniff, write

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "formats" / "corpus"
LONGEST = 5.0  # seconds of CPU a file of a few kilobytes may take
PATIENCE = 30  # seconds after which a reader is stopped
LARGEST = 512 * 2**20  # bytes that the process may grow by in all
NEEDS = {"sleap": "sleap_io", "deeplabcut": "tables", "parquet": "pyarrow"}  # libraries of the readers of binary files
BINARY = (".slp", ".h5", ".parquet")
PICTURES = (".png", ".jpg")

_NUMBERS = (
    *(b"-1", b"0", b"1e308", b"-1e400", b"nan", b"inf", b"9" * 30, b"1e-320", b"0x10", b"1_000", b"4294967296"),
    *(b"-9223372036854775809", b"1.5.2", b"\xd9\xa3", b"", b"true", b"null"),
)
_WORDS = (
    *(b"../../etc/passwd", b"/etc/passwd", b"C:\\a.png", b"a.png\0", b"\xff\xfe", b"\xef\xbb\xbf", b"a" * 5000),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"]]>", b"<a" * 50, b"\r\n\r\n", b"\t", b'"', b"'"),
    *(b"[" * 3000, b'{"a":' * 3000, b"{}", b"[]", b"&a [*a, *a]", b"!!python/object/apply:os.system", b"\\u0000"),
    *(b"LM=99999999", b"n_points: 99999999", b"{", b"}", b"#", b",", b";", b"\x1a", b"\xf0\x9f\xa6\x8b"),
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def changed(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """`data` with one random change, or a few; `other` is a second file to take pieces from."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        kind = int(rng.integers(8))
        i, j = sorted(int(v) for v in rng.integers(0, len(data) + 1, 2))
        j = min(j, i + int(rng.integers(1, 200)))
        if kind == 0 and data:  # other bytes
            array = bytearray(data)
            for place in rng.integers(0, len(array), int(rng.integers(1, 9))):
                array[place] = int(rng.integers(256))
            data = bytes(array)
        elif kind == 1:  # cut short, or a piece taken out
            data = data[:i] if rng.random() < 0.3 else data[:i] + data[j:]
        elif kind == 2:  # a piece twice, or very often
            data = data[:j] + data[i:j] * int(rng.choice([1, 1, 2, 50])) + data[j:]
        elif kind == 3:  # a piece of another file
            k = int(rng.integers(len(other) + 1))
            data = data[:i] + other[k : k + j - i] + data[j:]
        elif kind == 4:
            data = data[:i] + _WORDS[int(rng.integers(len(_WORDS)))] + data[i:]
        else:  # another number: most of what a label file says
            found = list(_NUMBER.finditer(data))
            if found:
                match = found[int(rng.integers(len(found)))]
                data = data[: match.start()] + _NUMBERS[int(rng.integers(len(_NUMBERS)))] + data[match.end() :]
    return data


def seeds(name: str) -> list[dict[str, bytes]]:
    """The corpus of one format: for each seed its files, by their paths inside the folder that is read."""
    folders = sorted(p for p in (CORPUS / name).iterdir() if p.is_dir()) if (CORPUS / name).is_dir() else []
    return [{p.relative_to(f).as_posix(): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders]


@dataclass
class Tally:
    """What came out of one format's executions."""

    executions: int = 0
    read: int = 0
    slowest: float = 0.0
    crashes: list[str] = field(default_factory=list)


def fuzz(
    name: str,
    rng: np.random.Generator,
    *,
    folder: Path,
    seconds: float = np.inf,
    executions: float = np.inf,
    keep: Path | None = None,
) -> Tally:
    """Read changed files of one format for so long, or so many; the files hang on `rng` alone."""
    tally, corpus = Tally(), seeds(name)
    everything = [data for seed in corpus for path, data in seed.items() if not path.endswith(PICTURES)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until = time.perf_counter() + seconds
    while time.perf_counter() < until and tally.executions < executions:
        files = dict(corpus[int(rng.integers(len(corpus)))])
        labels = [path for path in files if not path.endswith(PICTURES)]
        victim = labels[int(rng.integers(len(labels)))]
        files[victim] = changed(files[victim], everything[int(rng.integers(len(everything)))], rng)
        place = Path(tempfile.mkdtemp(dir=folder))
        for path, data in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
        problem = _attempt(name, place / labels[0] if len(labels) == 1 else place, tally)
        if problem:
            tally.crashes.append(f"{victim}: {problem}")
            if keep is not None:
                shutil.copytree(place, keep / f"{name}_{len(tally.crashes):03d}", dirs_exist_ok=True)
        shutil.rmtree(place)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if grown > LARGEST:
        tally.crashes.append(f"memory grew by {grown / 2**20:.0f} MB")
    return tally


def _attempt(name: str, path: Path, tally: Tally) -> str:
    """What went wrong, in words; nothing if a data set or one sentence came out."""
    started = time.process_time()
    signal.signal(signal.SIGALRM, _enough)
    signal.alarm(PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)  # ours, about what a file has
            with contextlib.suppress(InputError):
                sniff(path)
            try:
                data = read(path, format=name)
                len(data)
                tally.read += 1
            except InputError as error:
                if "\n" in str(error) or len(str(error)) > 2000:
                    return f"not one sentence: {str(error)[:200]!r}"
    except Exception:
        return traceback.format_exc(limit=-3)
    finally:
        signal.alarm(0)
        tally.executions += 1
        taken = time.process_time() - started
        tally.slowest = max(tally.slowest, taken)
    return f"took {taken:.1f} s" if taken > LONGEST else ""


def _enough(*_: object) -> None:
    raise TimeoutError(f"still reading after {PATIENCE} s")


def make_corpus() -> None:
    """One seed for each format that can be written: three pictures, hidden and missing points, two objects in one."""
    import cv2

    from cairn.dataset import Dataset
    from cairn.geometry import boxes
    from cairn.images import ImageList
    from cairn.landmarks import Landmarks
    from cairn.skeleton import Skeleton

    skeleton = Skeleton(("nose", "left", "right", "tail"), edges=((0, 3), (1, 2)), flip=(0, 2, 1, 3))
    points = np.array([[[4.5, 3], [2, 9], [9, 8.25], [5, 14]]]) + np.array([0, 3.5, 6, 1])[:, None, None]
    points[2, 1] = np.nan
    visibility = np.full((4, 4), 2, np.uint8)
    visibility[1, 2], visibility[2, 1] = 1, 0
    marks = Landmarks(skeleton, points, boxes.around(points), np.array([0, 0, 1, 2]), visibility=visibility)
    for name in FORMATS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "seed"
            folder.mkdir()
            for picture in "abc":
                cv2.imwrite(str(folder / f"{picture}.png"), np.zeros((24, 28, 3), np.uint8))
            data = Dataset(ImageList(folder / f"{p}.png" for p in "abc"), marks)
            suffix = {"sleap": ".slp"}.get(name)
            target = folder / f"labels{suffix}" if suffix else folder / "labels"
            try:
                write(data, target, format=name)
            except InputError as error:
                print(f"{name}: no seed made ({error})")
                continue
            if target.is_dir():  # a format of folders: beside the pictures, unless it takes them with it
                folder = target if any(target.rglob("*.png")) else folder
                if folder != target:
                    shutil.rmtree(target)
                    write(data, folder, format=name)
            shutil.rmtree(CORPUS / name / "written", ignore_errors=True)
            shutil.copytree(folder, CORPUS / name / "written", symlinks=False)
    for name in FORMATS:
        total = sum(len(d) for seed in seeds(name) for d in seed.values())
        assert not any(b"/tmp/" in d for seed in seeds(name) for d in seed.values()), name
        print(f"{name:14} {len(seeds(name))} seeds, {total} bytes")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--minutes", type=float, default=10, help="for all formats together")
    ask.add_argument("--only", choices=FORMATS)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--make-corpus", action="store_true")
    given = ask.parse_args()
    if given.make_corpus:
        return make_corpus()
    names = [n for n in FORMATS if given.only in (None, n) and can_read(n)]
    tallies = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            rng = np.random.default_rng([given.seed, *name.encode()])
            seconds = 60 * given.minutes / len(names)
            tallies[name] = fuzz(name, rng, seconds=seconds, folder=Path(folder), keep=ROOT / "runs" / "fuzz")
            t = tallies[name]
            print(f"{name:14} {t.executions:8} executions, {t.read} read, {len(t.crashes)} crashes", flush=True)
            for words in t.crashes[:3]:
                print("   ", words.replace("\n", "\n    "))
    if given.only is None:
        _report(tallies, given.minutes, given.seed)
    raise SystemExit(any(t.crashes for t in tallies.values()))


def can_read(name: str) -> bool:
    """Whether the library of that format's reader is installed, and there is a seed."""
    return bool(seeds(name)) and (name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None)


def _report(tallies: dict[str, Tally], minutes: float, seed: int) -> None:
    head = (
        f"Changed files read by each reader, and what was neither a data set nor one sentence of ours.\n"
        f"`python scripts/fuzz_formats.py --minutes {minutes:g} --seed {seed}`, {date.today()}; {platform.machine()}, "
        f"Python {platform.python_version()}.\n\n"
        "| reader | executions | read after all | slowest, s | crashes |\n|---|---|---|---|---|\n"
    )
    rows = [
        f"| {n} | {t.executions:,} | {100 * t.read / max(t.executions, 1):.0f} % | {t.slowest:.2f} | {len(t.crashes)} |"
        for n, t in tallies.items()
    ]
    results = ROOT / "benchmarks" / "results"
    (results / "fuzz_formats.md").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    figures = {n: {"executions": t.executions, "read": t.read, "crashes": len(t.crashes)} for n, t in tallies.items()}
    (results / "fuzz_formats.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
