"""The command line, run inside the test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cairn.cli import main
from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.model import Model
from tests.conftest import KITE, draw_kites


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cairn(capsys, tmp_path, monkeypatch):
    """Run ``cairn ...`` in an empty folder; gives exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        printed = capsys.readouterr()
        return Outcome(int(stop.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def kite_model(tmp_path: Path) -> Path:
    """A model of kites that takes whole pictures."""
    data = draw_kites(20, share=0.85, wander=0.6)
    path = tmp_path / "kites.cairn"
    Model(MeanShape(uses_box=False).fit(data), KITE, WholeImage(), card={"name": "kites"}).save(path)
    return path


def write_pictures(folder: Path, pictures: int = 3, **how) -> Path:
    """PNG files of kites."""
    import cv2

    folder.mkdir(exist_ok=True)
    for i, image in enumerate(draw_kites(pictures, **how).images):
        cv2.imwrite(str(folder / f"kite{i:03d}.png"), image.pixels[..., ::-1])
    return folder
