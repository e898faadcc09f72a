"""The one file of a model: a zip of JSON, ``.npy`` arrays and ONNX graphs. Nothing in it is unpickled or evaluated.

``model.json`` names everything else::

    {"format": "cairn model", "version": 1, "skeleton": {...}, "card": {...}, "calibration": {...} or null,
     "plausibility": {"arrays": {name: member}} or null,
     "detector": {"class": registered name, "settings": {...}, "arrays": {name: member}, "graphs": {name: member}},
     "finder": the same or null,
     "members": {member: {"size": bytes, "sha256": hex}}}

A file is read only after its table of contents has been checked: names, number, sizes. Each member is then held to the
size and SHA-256 that ``model.json`` gives. The same model always gives the same bytes (members sorted, times fixed).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cairn.detectors import detector_class, finder_class, registered_name
from cairn.detectors.contract import State
from cairn.detectors.onnx_external import needs_other_files
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.model import Model
from cairn.skeleton import Skeleton

if TYPE_CHECKING:
    from cairn.shape.plausibility import Plausibility

__all__ = ["REGISTRY", "bundled", "load", "read_model", "write_model"]

VERSION = 1
MOST_MEMBERS = 200
LARGEST_JSON = 16 * 2**20  # bytes
LARGEST_MEMBER = 512 * 2**20  # bytes
LARGEST_TOTAL = 1024 * 2**20  # bytes
REGISTRY: dict[str, tuple[str, str]] = {}
"""Models that can be fetched: name to (address, SHA-256)."""

_WEIGHTS = Path(__file__).parent / "weights"
_MEMBER = re.compile(r"(?:(?:detector|finder)/(?:arrays/\w+\.npy|graphs/\w+\.onnx)|shape/\w+\.npy)", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


def load(name: str | Path) -> Model:
    """A model by its path, or by the name of one that is bundled, cached or can be fetched.

    Parameters
    ----------
    name : ``"mine.cairn"``, or ``"face68"``; a file of that name wins

    Raises
    ------
    InputError : no such model, or a file that is none
    """
    path = Path(name)
    if path.is_file():
        return read_model(path)
    plain = str(name)
    if path.is_dir():
        raise InputError(f"{plain}: a folder, not a model; give the .cairn file")
    if path.suffix == ".cairn" or len(path.parts) > 1:
        raise InputError(f"{plain}: no such model file")
    if plain in bundled():
        return read_model(_WEIGHTS / f"{plain}.cairn")
    import pooch

    cache = Path(pooch.os_cache("cairn"))
    if (cache / f"{plain}.cairn").is_file():
        return read_model(cache / f"{plain}.cairn")
    if plain in REGISTRY:
        address, digest = REGISTRY[plain]
        return read_model(Path(pooch.retrieve(address, f"sha256:{digest}", fname=f"{plain}.cairn", path=cache)))
    known = sorted({*bundled(), *REGISTRY})
    have = f"the models that come with cairn are {', '.join(known)}" if known else "no models come with this cairn"
    raise InputError(f"there is no model {plain!r}, neither as a file nor by name; {have}")


def bundled() -> list[str]:
    """Names of the models inside the package."""
    return sorted(p.stem for p in _WEIGHTS.glob("*.cairn"))


def write_model(model: Model, path: str | Path) -> None:
    """Write `model` as one file, whole or not at all.

    Raises
    ------
    InputError : a detector or finder that is not registered, or a folder that cannot be written to
    """
    path = Path(path)
    members: dict[str, bytes] = {}
    about: dict[str, Any] = {
        "format": "cairn model",
        "version": VERSION,
        "skeleton": model.skeleton.to_json(),
        "card": dict(model.card),
        "calibration": None if model.calibration is None else model.calibration.to_json(),
        "detector": _pack("detector", model.detector, members),
        "finder": None if model.finder is None else _pack("finder", model.finder, members),
        "plausibility": None if model.plausibility is None else _pack_plausibility(model.plausibility, members),
        "members": {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()
        },
    }
    members["model.json"] = json.dumps(about, indent=1, allow_nan=False).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, members[name], compresslevel=9)
    write_whole(path, file.getvalue())


def read_model(path: str | Path) -> Model:
    """The model in the file at `path`.

    Raises
    ------
    InputError : it is no model file, is damaged, was made by a newer version, or needs a plug-in that is not there
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            contents = _contents(path, archive)
            about = _about(path, archive, contents)
            members = _members(path, archive, contents, about)
    except FileNotFoundError:
        raise InputError(f"{path}: no such model file") from None
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, zlib.error) as error:
        raise InputError(f"{path}: not a whole cairn model file ({error}); copy or download it again") from None
    try:
        skeleton = Skeleton.from_json(about["skeleton"])
        detector = _unpack(path, about["detector"], members, detector_class)
        finder = None if about["finder"] is None else _unpack(path, about["finder"], members, finder_class)
        calibration = None
        if about["calibration"] is not None:
            from cairn.calibration.confidence import Calibration

            calibration = Calibration.from_json(about["calibration"])
        plausibility = None
        if about["plausibility"] is not None:
            from cairn.shape.plausibility import Plausibility

            listed = about["plausibility"]["arrays"].items()
            plausibility = Plausibility.from_arrays({n: _from_npy(path, m, members[m]) for n, m in listed})
            if len(plausibility.model.mean) != len(skeleton):
                raise InputError(f"{path}: its plausibility is of another number of points; the file was damaged")
        return Model(detector, skeleton, finder, calibration, about["card"], plausibility)
    except InputError:
        raise
    except Exception as error:  # a plug-in's from_state may raise anything
        raise InputError(
            f"{path}: its contents do not fit this version of cairn ({type(error).__name__}: {error})"
        ) from None


def _contents(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after everything that can be checked without reading them."""
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise InputError(f"{path}: {len(entries)} members; a model file has at most {MOST_MEMBERS}")
    names = [e.filename for e in entries]
    for entry in entries:
        name = entry.filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise InputError(f"{path}: the member {name!r} points outside the file; do not trust this file")
        if names.count(name) > 1:
            raise InputError(f"{path}: the member {name!r} stands twice; do not trust this file")
        if name != "model.json" and not _MEMBER.fullmatch(name):
            raise InputError(f"{path}: the member {name!r} does not belong into a cairn model file")
        limit = LARGEST_JSON if name == "model.json" else LARGEST_MEMBER
        if entry.file_size > limit:
            raise InputError(f"{path}: the member {name!r} has {entry.file_size} bytes; at most {limit} are accepted")
        if entry.flag_bits & 1:
            raise InputError(f"{path}: the member {name!r} is encrypted; model files never are")
    total = sum(e.file_size for e in entries)
    if total > LARGEST_TOTAL:
        raise InputError(f"{path}: unpacks to {total} bytes; at most {LARGEST_TOTAL} are accepted")
    if "model.json" not in names:
        raise InputError(f"{path}: not a cairn model file (it has no model.json)")
    return {e.filename: e for e in entries}


def _about(path: Path, archive: zipfile.ZipFile, contents: dict[str, zipfile.ZipInfo]) -> dict[str, Any]:
    try:
        about = json.loads(archive.read(contents["model.json"]))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: model.json inside it is not JSON ({error})") from None
    if not isinstance(about, dict) or about.get("format") != "cairn model":
        raise InputError(f"{path}: not a cairn model file")
    if about.get("version") != VERSION:
        raise InputError(
            f"{path}: model file of version {about.get('version')!r}, but this cairn reads version {VERSION}; "
            "install the cairn that wrote it, or a newer one"
        )
    for key, kind in {"skeleton": dict, "card": dict, "detector": dict, "members": dict}.items():
        if not isinstance(about.get(key), kind):
            raise InputError(f"{path}: model.json inside it has no {key!r}")
    return {"finder": None, "calibration": None, "plausibility": None, **about}


def _members(
    path: Path, archive: zipfile.ZipFile, contents: dict[str, zipfile.ZipInfo], about: dict[str, Any]
) -> dict[str, bytes]:
    listed = about["members"]
    if set(listed) != set(contents) - {"model.json"}:
        odd = sorted(set(listed) ^ (set(contents) - {"model.json"}))[0]
        where = "is listed but missing" if odd in listed else "is not listed in model.json"
        raise InputError(f"{path}: the member {odd!r} {where}; copy or download the file again")
    members = {}
    for name, what in listed.items():
        if not isinstance(what, dict) or what.get("size") != contents[name].file_size:
            raise InputError(f"{path}: the member {name!r} has not the size that model.json says")
        data = archive.read(contents[name])
        if hashlib.sha256(data).hexdigest() != what.get("sha256"):
            raise InputError(
                f"{path}: the member {name!r} has not the SHA-256 that model.json says; "
                "the file was changed or damaged, copy or download it again"
            )
        members[name] = data
    return members


def _pack(room: str, part: Any, members: dict[str, bytes]) -> dict[str, Any]:
    """What model.json says of a detector or a finder; its arrays and graphs go into `members`."""
    part = getattr(part, "runner_", None) or part  # a trained network is saved as the runner that it left
    state = part.state()
    arrays, graphs = {}, {}
    for name, array in state.arrays.items():
        arrays[name] = f"{room}/arrays/{name}.npy"
        members[arrays[name]] = _to_npy(array)
    for name, graph in state.graphs.items():
        graphs[name] = f"{room}/graphs/{name}.onnx"
        members[graphs[name]] = graph
    return {"class": registered_name(type(part)), "settings": state.settings, "arrays": arrays, "graphs": graphs}


def _pack_plausibility(plausibility: Plausibility, members: dict[str, bytes]) -> dict[str, Any]:
    arrays = plausibility.to_arrays()
    members.update({f"shape/{name}.npy": _to_npy(array) for name, array in arrays.items()})
    return {"arrays": {name: f"shape/{name}.npy" for name in arrays}}


def _unpack(path: Path, about: dict[str, Any], members: dict[str, bytes], lookup: Any) -> Any:
    try:
        cls = lookup(about["class"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    arrays = {name: _from_npy(path, member, members[member]) for name, member in about["arrays"].items()}
    graphs = {name: members[member] for name, member in about["graphs"].items()}
    for name, graph in graphs.items():
        if needs_other_files(graph):
            raise InputError(f"{path}: the network {name!r} asks for other files; do not trust this file")
    return cls.from_state(State(about["settings"], arrays, graphs))


def _to_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _from_npy(path: Path, member: str, data: bytes) -> np.ndarray:
    """An array of numbers; the header is checked against the number of bytes before anything is made of it."""
    buffer = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(buffer) != (1, 0):
            raise ValueError("unknown version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: the member {member!r} is not an array ({error})") from None
    size = int(dtype.itemsize)
    for length in shape:
        size *= int(length)
    if fortran or dtype.kind not in "biuf" or min(shape, default=0) < 0 or size != len(data) - buffer.tell():
        raise InputError(f"{path}: the member {member!r} is not a plain array of numbers of the size it claims")
    return np.frombuffer(data, dtype, offset=buffer.tell()).reshape(shape).copy()
