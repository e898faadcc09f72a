"""A model over many pictures, in folders or in Parquet files, on the workers of a Ray cluster.

The pictures are divided into numbered blocks. A worker loads the model once and looks at one block after the other;
what it finds is written, block by block, into a folder beside the output, so that a run that was stopped goes on where
it stopped. A picture that cannot be read is listed. A worker that dies costs the block that it was at, which is tried
again by another; a block that kills its worker again and again is listed, and the others go on.

Parquet: one column of encoded pictures (bytes, or a struct with ``bytes`` as Hugging Face's datasets have it), and a
column of names where there is one (``path``, ``name``, ``file_name``, ``filename``, ``id``, ``key``).
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cairn.distributed.cluster import connect
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.images import Image, Source, decode_image, read_image
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.model_file import load
from cairn.skeleton import Skeleton

__all__ = ["BLOCK", "Found", "detect_ray", "divide", "look"]

BLOCK = 32
"""Pictures in a block: what is looked at again where a worker dies."""
RETRIES = 2
_AT_ONCE = 8  # pictures that are held in memory together
_NAMES = ("path", "name", "file_name", "filename", "id", "key")


@dataclass(frozen=True)
class Block:
    """Some pictures, unread: sources, or rows of a Parquet file.

    Attributes
    ----------
    number : of the block
    sources : (name that the user knows, path, page, frame) of each
    parquet : the file and its row group, or None
    rows : first row of the row group, and the one behind the last
    """

    number: int
    sources: tuple[tuple[str, str, int | None, int | None], ...] = ()
    parquet: tuple[str, int] | None = None
    rows: tuple[int, int] = (0, 0)

    def images(self) -> Iterator[tuple[Source, Callable[[], Image]]]:
        """The name of each picture, and what reads it."""
        for name, path, page, frame in self.sources:
            given = Source(name, page, frame)
            yield given, partial(_read, given, path)
        if self.parquet is not None:
            for given, data in _parquet_rows(*self.parquet, *self.rows):
                yield given, partial(decode_image, data, given)


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in some pictures.

    Attributes
    ----------
    landmarks : ``image_index`` points into `sources`; None where no picture could be read
    sources : the pictures that were read
    failures : a sentence for each that could not be
    """

    landmarks: Landmarks | None
    sources: tuple[Source, ...]
    failures: tuple[str, ...]

    @classmethod
    def together(cls, parts: Sequence[Found]) -> Found:
        """All parts, in order."""
        marks: list[Landmarks] = []
        sources: list[Source] = []
        for part in parts:
            if part.landmarks is not None:
                marks.append(part.landmarks.with_image_index(part.landmarks.image_index + len(sources)))
            sources += part.sources
        failures = tuple(sentence for part in parts for sentence in part.failures)
        return cls(Landmarks.concatenate(marks) if marks else None, tuple(sources), failures)

    def to_bytes(self) -> bytes:
        """An npz file without the skeleton, which the model has."""
        arrays: dict[str, Any] = {
            "sources": np.array(json.dumps([[s.path, s.page, s.frame] for s in self.sources])),
            "failures": np.array(json.dumps(self.failures)),
        }
        if self.landmarks is not None:
            for field in fields(Landmarks):
                value = getattr(self.landmarks, field.name)
                if isinstance(value, np.ndarray):
                    arrays[f"landmarks.{field.name}"] = value
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, skeleton: Skeleton) -> Found:
        """What `to_bytes` made."""
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        marks = {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith("landmarks.")}
        return cls(
            Landmarks(skeleton, **marks) if marks else None,
            tuple(Source(*source) for source in json.loads(str(arrays["sources"]))),
            tuple(json.loads(str(arrays["failures"]))),
        )


def divide(sources: Sequence[Source], parquet: Sequence[Path] = (), size: int = BLOCK) -> list[Block]:
    """Blocks of at most `size` pictures.

    Parameters
    ----------
    sources : pictures, pages and frames
    parquet : files of pictures, or folders of such files

    Raises
    ------
    InputError : a Parquet file without pictures
    """
    items = [(s.path, str(Path(s.path).absolute()), s.page, s.frame) for s in sources]
    blocks = [Block(i, tuple(items[at : at + size])) for i, at in enumerate(range(0, len(items), size))]
    for path in parquet:
        for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
            opened = _open_parquet(file)
            _columns(opened, file)
            for group in range(opened.num_row_groups):
                rows = opened.metadata.row_group(group).num_rows
                for at in range(0, rows, size):
                    where = (str(file.absolute()), group)
                    blocks.append(Block(len(blocks), (), where, (at, min(at + size, rows))))
    return blocks


def look(model: Model, block: Block, boxes: Any = None) -> Found:
    """A model over the pictures of a block.

    Parameters
    ----------
    boxes : None: those that the model finds; or what ``cairn detect --boxes`` makes of its argument
    """
    parts: list[Landmarks] = []
    done: list[Source] = []
    failures: list[str] = []
    held: list[Image] = []
    names: list[Source] = []

    def run() -> None:
        if held:
            if boxes is None or boxes.found:
                found = model(held)
            else:
                found = model.predict(held, [boxes.of(image) for image in held])
            parts.append(found.with_image_index(found.image_index + len(done)))
            done.extend(names)
            held.clear()
            names.clear()

    for source, read in block.images():
        try:
            image = read()
            if boxes is not None:
                boxes.check(image)
        except InputError as error:
            failures.append(str(error))
            continue
        held.append(image)
        names.append(source)
        if len(held) == _AT_ONCE:
            run()
    run()
    return Found(Landmarks.concatenate(parts) if parts else None, tuple(done), tuple(failures))


def detect_ray(
    blocks: Sequence[Block],
    model: str,
    folder: Path,
    *,
    boxes: Any = None,
    workers: int | None = None,
    tick: Callable[[int], object] = lambda done: None,
) -> Found:
    """A model over all blocks, on many workers.

    Parameters
    ----------
    blocks : of `divide`
    model : its name, or a path that leads to it on every worker
    folder : for what is found, block by block; it is removed when all is done
    boxes : see `look`; it travels to the workers
    workers : CPUs, where Ray is started here; None takes all
    tick : called with the number of blocks that are done

    Returns
    -------
    Found : in the order of the blocks

    Raises
    ------
    InputError : the folder holds a run over other pictures, or of another model
    """
    path = str(Path(model).absolute()) if Path(model).exists() else model
    skeleton = load(path).skeleton
    _claim(folder, {"pictures": _digest(blocks), "model": _model_digest(path), "boxes": _digest(boxes)})
    parts = {block.number: folder / f"{block.number:06d}.npz" for block in blocks}
    left = [block for block in blocks if not parts[block.number].exists()]
    tick(len(blocks) - len(left))
    if left:
        done = len(blocks) - len(left)
        for number, data in _map(left, path, boxes, workers):
            write_whole(parts[number], data)
            done += 1
            tick(done)
    found = []
    for block in blocks:
        if parts[block.number].exists():
            found.append(Found.from_bytes(parts[block.number].read_bytes(), skeleton))
        else:
            found.append(Found(None, (), (_lost(block),)))
    if all(part.exists() for part in parts.values()):
        shutil.rmtree(folder)
    return Found.together(found)


def _map(blocks: Sequence[Block], model: str, boxes: Any, workers: int | None) -> Iterator[tuple[int, bytes]]:
    import cloudpickle

    ray = connect(workers)
    context = ray.data.DataContext.get_current()
    before = context.max_errored_blocks
    context.max_errored_blocks = -1  # a block that cannot be done is listed; the others go on
    try:
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        items = [{"block": cloudpickle.dumps(block)} for block in blocks]
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of the last argument, without which a block has no end
            found = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
                _Worker,
                fn_constructor_args=(model, cloudpickle.dumps(boxes)),
                batch_size=1,
                num_cpus=1,
                concurrency=(1, min(cpus, len(items))),
                max_task_retries=RETRIES,
            )
        for row in found.iter_rows():
            yield int(row["number"]), bytes(row["found"])
    finally:
        context.max_errored_blocks = before


class _Worker:
    """A process that has loaded the model."""

    def __init__(self, model: str, boxes: bytes) -> None:
        import pickle

        self.model = load(model)
        self.boxes = pickle.loads(boxes)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        import pickle

        blocks = [pickle.loads(packed) for packed in batch["block"]]
        found = [look(self.model, block, self.boxes).to_bytes() for block in blocks]
        return {"number": np.array([block.number for block in blocks]), "found": np.array(found, dtype=object)}


def _read(name: Source, path: str) -> Image:
    return replace(read_image(replace(name, path=path)), source=name)


def _lost(block: Block) -> str:
    if block.parquet is not None:
        first, behind = block.rows
        which = f"{block.parquet[0]}, row group {block.parquet[1]}, rows {first} to {behind - 1}"
    else:
        which = block.sources[0][0]
        if len(block.sources) > 1:
            which += f" to {block.sources[-1][0]} ({len(block.sources)} pictures)"
    return f"{which}: the worker failed or died {RETRIES + 1} times; run the same command again to try once more"


# --- going on where it stopped ---


def _claim(folder: Path, run: dict[str, str]) -> None:
    plan = folder / "run.json"
    if plan.exists():
        if json.loads(plan.read_text(encoding="utf-8")) != run:
            raise InputError(
                f"{folder}: holds an unfinished run over other pictures, with another model or other boxes; delete the "
                "folder, or write to another --out"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is in the way; delete it, or write to another --out")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(plan, json.dumps(run, indent=1) + "\n")


def _digest(thing: Any) -> str:
    if hasattr(thing, "__dataclass_fields__"):
        thing = {field.name: _digest(getattr(thing, field.name)) for field in fields(thing)}
    elif isinstance(thing, (list, tuple)):
        thing = [_digest(part) for part in thing]
    elif isinstance(thing, dict):
        thing = {str(name): _digest(part) for name, part in thing.items()}
    elif isinstance(thing, np.ndarray):
        thing = [thing.tolist()]
    return hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()


def _model_digest(model: str) -> str:
    path = Path(model)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else model


# --- Parquet ---


def _open_parquet(path: str | Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; install it with: pip install 'cairn-landmarks[parquet]'"
        ) from None
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None


def _columns(opened: Any, path: str | Path) -> tuple[str, str | None]:
    """Names of the columns of pictures and of names."""
    import pyarrow.types as types

    def pictured(kind: Any) -> bool:
        if types.is_struct(kind):
            return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
        return types.is_binary(kind) or types.is_large_binary(kind)

    schema = opened.schema_arrow
    found = [field.name for field in schema if pictured(field.type)]
    if not found:
        raise InputError(f"{path}: no column holds pictures (bytes); it has {', '.join(schema.names)}")
    words = [field.name for field in schema if types.is_string(field.type) or types.is_large_string(field.type)]
    return found[0], next((name for name in _NAMES if name in words), None)


def _parquet_rows(path: str, group: int, start: int, stop: int) -> Iterator[tuple[Source, bytes]]:
    opened = _open_parquet(path)
    pictures, names = _columns(opened, path)
    before = sum(opened.metadata.row_group(i).num_rows for i in range(group))
    wanted = [pictures, *([] if names is None else [names])]
    at = 0
    for batch in opened.iter_batches(batch_size=BLOCK, row_groups=[group], columns=wanted):
        for i in range(max(0, start - at), min(batch.num_rows, stop - at)):
            cell = batch.column(pictures)[i].as_py()
            inside = cell if isinstance(cell, dict) else {"bytes": cell}
            name = batch.column(names)[i].as_py() if names is not None else inside.get("path")
            source = Source(str(name)) if name else Source(path, page=before + at + i)
            yield source, inside.get("bytes") or b""
        at += batch.num_rows
        if at >= stop:
            return
