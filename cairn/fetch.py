"""Public data by name or address: licence first, checksum always, whole or not at all.

A registry is a JSON file that says, for each name, where the data is, its SHA-256, and under which licence::

    {"wings": {"address": "https://example.org/wings.zip", "sha256": "(64 digits)", "licence": "CC BY 4.0",
               "licence_address": "https://creativecommons.org/licenses/by/4.0/", "bytes": 1234,
               "what": "40 wings with 12 points", "cite": "Somebody 2020"}}

`address`, `sha256` and `licence` are needed. `REGISTRY`, the one that comes with cairn, only ever holds entries whose
checksum somebody computed from the file itself; beside each stands who.

A download that was cut continues where it stopped, from a hidden ``.NAME.part`` file (HTTP ranges, RFC 9110). The
checksum and the final move are pooch's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cairn.archives import free_space, is_archive, unpack
from cairn.errors import InputError
from cairn.files import check_folder, write_whole
from cairn.progress import progress

__all__ = ["MAX_BYTES", "REGISTRY", "Entry", "entry_of", "fetch", "read_registry"]

MAX_BYTES = 200_000_000_000  # of one download
_BLOCK = 1 << 18
_TRIES = 3  # in one call, each going on where the last one stopped
_WAIT = 1.0  # seconds between them
_PATIENCE = 30.0  # seconds without an answer
_LARGEST_REGISTRY = 10_000_000  # bytes
_ARCHIVE = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.IGNORECASE)
_NOTE = ".cairn-source.json"  # in an unpacked folder: where it is from
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """Something that can be fetched.

    Parameters
    ----------
    name : for messages, and of the folder
    address : http or https
    sha256 : 64 hexadecimal digits
    licence : its name, or its whole text
    licence_address : where its text is
    bytes : of the download; None where it is not known
    what, cite : a sentence about it, and the paper
    """

    name: str
    address: str
    sha256: str
    licence: str
    licence_address: str = ""
    bytes: int | None = None
    what: str = ""
    cite: str = ""

    def terms(self) -> str:
        """The licence in a sentence."""
        where = f" ({self.licence_address})" if self.licence_address else ""
        return f"{self.name} is under this licence: {self.licence}{where}"


_COCO = "http://images.cocodataset.org"
_COCO_PICTURES = "Flickr's terms of use; COCO's makers do not own the pictures"
_COCO_LICENCE = {"licence_address": "https://cocodataset.org/#termsofuse", "cite": "Lin et al., ECCV 2014"}
REGISTRY: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        # Checksums and sizes: TensorFlow Datasets, url_checksums/coco.txt and coco2017.txt, which agree.
        Entry(
            "coco2017-labels",
            f"{_COCO}/annotations/annotations_trainval2017.zip",
            "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            "CC BY 4.0",
            bytes=252_907_541,
            what="17 points of 250,000 people: annotations/person_keypoints_train2017.json and ..._val2017.json",
            **_COCO_LICENCE,
        ),
        Entry(
            "coco2017-val",
            f"{_COCO}/zips/val2017.zip",
            "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            _COCO_PICTURES,
            bytes=815_585_330,
            what="the 5,000 pictures of person_keypoints_val2017.json",
            **_COCO_LICENCE,
        ),
        Entry(
            "coco2017-train",
            f"{_COCO}/zips/train2017.zip",
            "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
            _COCO_PICTURES,
            bytes=19_336_861_798,
            what="the 118,287 pictures of person_keypoints_train2017.json",
            **_COCO_LICENCE,
        ),
    )
}


def fetch(entry: Entry, to: str | Path = ".", *, accept_licence: bool = False, quiet: bool = False) -> Path:
    """Download, check, and unpack where it is an archive.

    Parameters
    ----------
    entry : see `entry_of`
    to : folder, made where it is missing; the data comes into a file or folder of its own in it
    accept_licence : that the licence was read and is accepted
    quiet : no progress bar

    Returns
    -------
    the file, or the folder of an archive; what is there already is not fetched again

    Raises
    ------
    InputError : licence not accepted, a wrong checksum, a connection that breaks, no room, an archive that is a trap;
        one sentence, and neither file nor folder is there then
    """
    if not accept_licence:
        raise InputError(f"{entry.terms()}; read it, and say that you accept it (--accept-licence)")
    to = Path(to)
    check_folder(to)
    to.mkdir(parents=True, exist_ok=True)
    name = _file_name(entry)
    folder = to / _stem(name)
    packed = _ARCHIVE.search(name) is not None
    if packed and folder.is_dir() and _is_of(folder, entry):
        return folder
    import pooch

    if packed and folder.exists():
        raise InputError(f"{folder}: is there already and is something else; give another place (--to)")
    if (to / name).exists() and pooch.file_hash(str(to / name)) != entry.sha256:
        raise InputError(f"{to / name}: is there already and is something else; give another place (--to)")

    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(
            entry.address,
            f"sha256:{entry.sha256}",
            fname=name,
            path=to,
            downloader=lambda address, out, _: _download(entry, to / f".{name}.part", Path(str(out)), quiet),
        )
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"{entry.name}: what {entry.address} sends has another checksum than {entry.sha256[:12]}...; it was "
            "changed, or damaged on the way, and is not kept"
        ) from None
    except OSError as error:
        raise InputError(f"{entry.name}: cannot be written to {to} ({error.strerror or error})") from None
    path = to / name
    if not packed or not is_archive(path):
        return path
    try:
        with progress(f"unpacking {name}", 1, quiet=quiet):
            unpack(path, folder)
    finally:
        path.unlink()
    write_whole(folder / _NOTE, json.dumps(_note(entry), indent=1) + "\n")
    return folder


def entry_of(
    name: str,
    *,
    sha256: str | None = None,
    licence: str | None = None,
    registry: str | Path | None = None,
) -> Entry:
    """What a name, or an address with its checksum, stands for.

    Parameters
    ----------
    name : in the registry, or an address that begins with http
    sha256, licence : of an address
    registry : a JSON file; where absent the one in the environment's CAIRN_REGISTRY, and cairn's own

    Raises
    ------
    InputError : an unknown name, an address without a checksum, a registry that is none
    """
    if "://" in name:
        if sha256 is None:
            raise InputError(
                f"{name}: give its checksum as well (--sha256), so that what comes is what was meant; its owner "
                "publishes it, or sha256sum says it of a copy that is trusted"
            )
        said = {"address": name, "sha256": sha256, "licence": licence or "not stated; ask its owner"}
        return _entry(_last(name) or "data", said, "the address")
    if sha256 is not None:
        raise InputError(f"--sha256 goes with an address; {name!r} is a name, whose checksum is in the registry")
    known = dict(REGISTRY)
    given = registry or os.environ.get("CAIRN_REGISTRY")
    if given:
        known |= read_registry(given)
    if name not in known:
        have = f"the known ones are {', '.join(sorted(known))}" if known else "this cairn knows none by name"
        raise InputError(
            f"there is no data {name!r}; {have}; give a registry (--registry) or an address with its --sha256"
        )
    return known[name]


def read_registry(path: str | Path) -> dict[str, Entry]:
    """The entries of a registry file.

    Raises
    ------
    InputError : no such file, not JSON, an entry without address, checksum or licence
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST_REGISTRY:
            raise InputError(f"{path}: is larger than {_LARGEST_REGISTRY / 1e6:.0f} MB; a registry is not")
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror or error})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON") from None
    if not isinstance(said, dict) or not all(isinstance(v, dict) for v in said.values()):
        raise InputError(f"{path}: is no registry; expected an object of names, each with address, sha256 and licence")
    return {name: _entry(name, entry, f"{path}: {name}") for name, entry in said.items()}


def _entry(name: str, said: dict[str, Any], where: str) -> Entry:
    address, digest, licence = (said.get(f) for f in ("address", "sha256", "licence"))
    if (
        not isinstance(address, str)
        or urlsplit(address).scheme not in ("http", "https")
        or not urlsplit(address).netloc
    ):
        raise InputError(f"{where}: {address!r} is no address; expected one that begins with https:// or http://")
    if not isinstance(digest, str) or not _HEX.fullmatch(digest.lower()):
        raise InputError(f"{where}: {digest!r} is no SHA-256; expected 64 hexadecimal digits")
    if not isinstance(licence, str) or not licence.strip():
        raise InputError(f"{where}: has no licence; without one nothing may be done with it")
    size = said.get("bytes")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MAX_BYTES):
        raise InputError(f"{where}: {size!r} is no number of bytes from 1 to {MAX_BYTES:,}")
    words = {f: said.get(f, "") for f in ("licence_address", "what", "cite")}
    if not all(isinstance(v, str) for v in words.values()):
        raise InputError(f"{where}: licence_address, what and cite are texts")
    return Entry(name, address, digest.lower(), licence.strip(), bytes=size, **words)


class _Broken(Exception):
    """The connection ended before the file did."""


def _download(entry: Entry, part: Path, out: Path, quiet: bool) -> None:
    """The whole file into `out`, through `part`, which outlives a connection that breaks."""
    said = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_WAIT)
        try:
            _continue(entry, part, quiet)
            break
        except _Broken as error:
            said = str(error)
    else:
        had = part.stat().st_size if part.exists() else 0
        raise InputError(
            f"{entry.name}: the connection to {urlsplit(entry.address).netloc} broke ({said}) after {had:,} bytes; the "
            "same command goes on from there"
        )
    shutil.move(part, out)


def _continue(entry: Entry, part: Path, quiet: bool) -> None:
    """Bring `part` to its full length.

    Raises
    ------
    _Broken : it is not there yet
    InputError : the server refuses, or sends more than it should
    """
    import http.client
    import urllib.error
    import urllib.request

    had = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(entry.address, headers={"User-Agent": "cairn", "Accept-Encoding": "identity"})
    if had:
        request.add_header("Range", f"bytes={had}-")
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            going_on = answer.status == 206 and _starts_at(answer.headers.get("Content-Range"), had)
            start = had if going_on else 0
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length and length.isdigit() else None
            limit = _check_size(entry, total, start, part.parent)
            done = start
            with (
                open(part, "ab" if going_on else "wb") as file,
                progress(
                    f"fetching {entry.name} (kB)", (total or limit) // 1000, done=start // 1000, quiet=quiet
                ) as bar,
            ):
                while block := answer.read(_BLOCK):
                    done += len(block)
                    if done > limit:
                        raise InputError(f"{entry.name}: {entry.address} sends more than {limit:,} bytes; stopped")
                    file.write(block)
                    bar(done // 1000)
    except urllib.error.HTTPError as error:
        if error.code == 416 and had:  # nothing after what is there: it is whole, or stale; the checksum says which
            return
        if error.code >= 500:
            raise _Broken(f"the server says {error.code}") from None
        raise InputError(
            f"{entry.name}: {entry.address} cannot be fetched (the server says {error.code} {error.reason})"
        ) from None
    except urllib.error.URLError as error:
        raise _Broken(str(getattr(error.reason, "strerror", None) or error.reason)) from None
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Broken(type(error).__name__) from None
    except InputError:
        part.unlink(missing_ok=True)
        raise
    if total is not None and done < total:
        raise _Broken(f"{total - done:,} bytes are missing")


def _starts_at(said: str | None, had: int) -> bool:
    return said is not None and said.replace(" ", "").startswith(f"bytes{had}-")


def _check_size(entry: Entry, total: int | None, start: int, folder: Path) -> int:
    """The most bytes that may come."""
    limit = entry.bytes or MAX_BYTES
    if total is not None and total > limit:
        raise InputError(f"{entry.name}: {entry.address} would send {total:,} bytes; expected at most {limit:,}")
    needed = (total or entry.bytes or 0) - start
    if needed > free_space(folder):
        raise InputError(f"{entry.name}: needs {needed:,} bytes, and {folder} has {free_space(folder):,} left")
    return limit


def _note(entry: Entry) -> dict[str, str]:
    return {"address": entry.address, "sha256": entry.sha256, "licence": entry.licence, "cite": entry.cite}


def _is_of(folder: Path, entry: Entry) -> bool:
    try:
        return json.loads((folder / _NOTE).read_bytes()).get("sha256") == entry.sha256
    except (OSError, ValueError, AttributeError):
        return False


def _last(address: str) -> str:
    name = unquote(urlsplit(address).path).rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).lstrip(".")[:100]


def _file_name(entry: Entry) -> str:
    name = re.sub(r"[^\w.-]+", "_", entry.name).lstrip(".")[:100] or "data"
    return _last(entry.address) or f"{name}.download"


def _stem(name: str) -> str:
    return _ARCHIVE.sub("", name) or name
