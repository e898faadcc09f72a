import os
import stat

import pytest

from cairn.errors import InputError
from cairn.files import check_folder, write_whole


def test_text_and_bytes_arrive(tmp_path):
    write_whole(tmp_path / "a.txt", "Flügel\n")
    write_whole(str(tmp_path / "b.bin"), b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "Flügel\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"


def test_the_old_file_stays_when_writing_fails_and_nothing_is_left_behind(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(("name", "why"), [("", "is a folder"), ("no/such/a.txt", "there is no folder")])
def test_places_that_cannot_be_written_are_one_sentence(tmp_path, name, why):
    with pytest.raises(InputError, match=why):
        write_whole(tmp_path / name, "x")


@pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")
def test_others_may_read_it_as_far_as_the_user_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_a_folder_that_takes_no_file_is_refused_and_one_to_be_made_is_not(tmp_path):
    check_folder(tmp_path / "not" / "yet")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written to"):
        check_folder(tmp_path / "file" / "below")
