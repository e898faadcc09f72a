"""HDF5 files of others: those on which the library itself fails."""

from pathlib import Path

import pytest

from cairn import hdf5
from cairn.errors import InputError
from cairn.formats import read

h5py = pytest.importorskip("h5py")
HOSTILE = Path(__file__).parent / "formats" / "hostile"


def test_a_file_that_the_library_reads_for_ever_is_refused(monkeypatch):
    pytest.importorskip("sleap_io")
    monkeypatch.setattr(hdf5, "_SECONDS", 3.0)
    with pytest.raises(
        InputError, match=r"endless\.slp: the file is damaged \(the HDF5 library had not read it in 3 s\)"
    ):
        read(HOSTILE / "endless.slp")


def test_a_small_file_that_claims_gigabytes_is_refused():
    with pytest.raises(InputError, match=r"claims 14,976 MB in 0\.0 MB"), hdf5.opened(HOSTILE / "claims_much.slp"):
        pass


def test_a_crash_of_the_library_is_not_ours(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    file = tmp_path / "a.h5"
    h5py.File(file, "w").close()
    monkeypatch.setattr(hdf5.sys, "executable", str(program))
    with pytest.raises(InputError, match="the HDF5 library crashes on it"), hdf5.opened(file):
        pass


def test_a_sound_file_is_tried_once_until_it_changes(tmp_path, monkeypatch):
    trials = []
    run = hdf5.subprocess.run
    monkeypatch.setattr(hdf5.subprocess, "run", lambda *a, **k: trials.append(a) or run(*a, **k))
    file = tmp_path / "a.h5"
    for numbers in ([1.0, 2.0], [1.0, 2.0, 3.0]):
        with h5py.File(file, "w") as new:
            new["x"] = numbers
        for _ in range(2):
            with hdf5.opened(file) as again:
                assert hdf5.own_dataset(again, "x")[:].tolist() == numbers
    assert len(trials) == 2


def test_what_leads_out_of_the_file_is_not_its_own(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as other:
        other["x"] = [1.0]
    with h5py.File(tmp_path / "a.h5", "w") as new:
        new["x"] = h5py.ExternalLink("b.h5", "/x")
        new["y"] = h5py.SoftLink("/x")
    with hdf5.opened(tmp_path / "a.h5") as file:
        assert hdf5.own_dataset(file, "x") is None
        assert hdf5.own_dataset(file, "y") is None
        assert hdf5.own_dataset(file, "z") is None
