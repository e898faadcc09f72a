"""Archives are unpacked whole, inside their folder, or not at all."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from cairn import archives
from cairn.archives import is_archive, unpack
from cairn.errors import InputError


def make_zip(path, files, **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("make", [make_zip, make_tar, lambda p, f: make_tar(p, f, "w:xz")])
def test_files_come_out_as_they_went_in(make, tmp_path):
    path = make(tmp_path / "data", {"a.csv": b"1,2", "deep/er/b.png": b"\0" * 5000})
    assert is_archive(path)
    assert unpack(path, tmp_path / "out") == 2
    assert (tmp_path / "out/a.csv").read_bytes() == b"1,2"
    assert (tmp_path / "out/deep/er/b.png").read_bytes() == b"\0" * 5000
    assert sorted(os.listdir(tmp_path)) == ["data", "out"]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "..\\evil", "C:\\evil", "a\\..\\..\\evil", "x" * 300]
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_leave_the_folder_are_refused(make, name, tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    path = make(tmp_path / "data", {"good.txt": b"1", name: b"2"})
    with pytest.raises(InputError, match="nothing was unpacked"):
        unpack(path, room / "out")
    assert os.listdir(room) == []
    assert sorted(os.listdir(tmp_path)) == ["data", "room"]


def test_links_and_devices_are_refused(tmp_path):
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "t.tar", "w") as archive:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        with pytest.raises(InputError, match="'link' is a link or device"):
            unpack(tmp_path / "t.tar", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link or device"):
        unpack(tmp_path / "z.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_stopped_while_it_swells(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_ROOM", 1000)
    path = make_zip(tmp_path / "bomb.zip", {"zeros": bytes(20_000_000)})
    with pytest.raises(InputError, match="more than 100 times its own size"):
        unpack(path, tmp_path / "out")
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    path = make_zip(tmp_path / "many.zip", {f"{i}": b"" for i in range(5)})
    with pytest.raises(InputError, match="more than 3 files"):
        unpack(path, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["bomb.zip", "many.zip"]


def test_a_broken_archive_is_one_sentence_and_leaves_nothing(tmp_path):
    for make, name in ((make_zip, "z.zip"), (make_tar, "t.tar.gz")):
        whole = make(tmp_path / name, {"a": os.urandom(20_000), "b": os.urandom(20_000)}).read_bytes()
        for broken in (whole[: len(whole) // 2], whole[:9000] + b"\xff" * 99 + whole[9099:], b"no archive", b""):
            (tmp_path / name).write_bytes(broken)
            with pytest.raises(InputError):
                unpack(tmp_path / name, tmp_path / "out")
            assert not (tmp_path / "out").exists()


def test_what_is_there_is_never_touched(tmp_path):
    path = make_zip(tmp_path / "z.zip", {"a": b"new"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already"):
        unpack(path, tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == b"mine"


def test_a_name_that_stands_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    with pytest.raises(InputError, match="twice"):
        unpack(tmp_path / "z.zip", tmp_path / "out")
