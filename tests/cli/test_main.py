import os
import subprocess
import sys

import pytest


def test_the_version_is_printed(cairn):
    from importlib.metadata import version

    assert cairn("--version").out.strip() == version("cairn-landmarks")


def test_nothing_gives_help(cairn):
    result = cairn()
    assert result.code == 0
    for command in ("detect", "train", "evaluate", "convert", "info", "formats"):
        assert command in result.out


@pytest.mark.parametrize("command", ["detect", "train", "evaluate", "convert", "info", "formats"])
def test_every_help_has_an_example(cairn, command):
    result = cairn(command, "--help")
    assert result.code == 0
    assert f"Example: cairn {command}" in result.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("detekt", "a.jpg"),
        ("detect",),
        ("detect", "a.jpg", "--colour", "red"),
        ("train", "data"),
        ("train", "data", "--out", "m.cairn", "--minutes", "many"),
        ("evaluate", "model"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(cairn, arguments):
    result = cairn(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("cairn: ")
    assert result.err.count("\n") == 1


def test_python_m_cairn_is_the_same(tmp_path):
    run = subprocess.run([sys.executable, "-m", "cairn", "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0
    assert run.stdout.strip()[0].isdigit()


def test_a_reader_that_stops_reading_is_no_error(tmp_path):
    run = subprocess.run(
        f"{sys.executable} -m cairn formats | true", shell=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert "Traceback" not in run.stderr


def test_letters_that_the_terminal_has_not_are_no_error(tmp_path):
    (tmp_path / "日本.jpg").write_text("no picture")
    run = subprocess.run(
        [sys.executable, "-m", "cairn", "convert", "日本.jpg", "x.csv"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert run.returncode == 2
    assert run.stderr.startswith("cairn: ")
    assert "\\u65e5" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of another kind")
@pytest.mark.parametrize("how", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_error(tmp_path, how):
    run = subprocess.run(f"{sys.executable} -m cairn --version {how}", shell=True, capture_output=True, cwd=tmp_path)
    assert run.returncode == 0
    assert run.stderr == b""


def test_an_interrupt_is_said_and_has_its_code(cairn, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cairn.formats.read", interrupted)
    result = cairn("convert", "a.tps", "b.csv")
    assert (result.code, result.err) == (130, "cairn: stopped\n")
