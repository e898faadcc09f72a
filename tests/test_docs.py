"""The pages in docs/ say what the code does."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]


def blocks(page: Path, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for kind, text in fenced if kind == language]


def test_the_page_of_formats_is_what_their_modules_say():
    script = ROOT / "scripts" / "write_formats_page.py"
    spec = importlib.util.spec_from_file_location("write_formats_page", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run scripts/write_formats_page.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_have_the_options_that_are_written(page):
    import typer

    from cairn.cli import app

    commands = typer.main.get_command(app).commands
    for block in blocks(page, ""):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if not words or words[0] != "cairn":
                continue
            known = {option for parameter in commands[words[1]].params for option in parameter.opts}
            assert {w for w in words if w.startswith("-")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_on_a_page_compiles_and_names_what_there_is(page):
    import cairn

    for block in blocks(page, "python"):
        compile(block, page.name, "exec")
        for name in re.findall(r"\bcairn\.(\w+)", block):
            assert hasattr(cairn, name) or importlib.util.find_spec(f"cairn.{name}"), name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_example_of_python_runs(tmp_path, monkeypatch):
    """All blocks of python.md one after the other, on wings of our own."""
    import numpy as np

    import cairn
    from cairn.draw import save_picture
    from tests.conftest import draw_kites

    monkeypatch.chdir(tmp_path)
    drawn = draw_kites(24, share=0.85, wander=0.6)
    lines = ["image,split,tip_x,tip_y,base_x,base_y"]
    for i, image in enumerate(drawn.images):
        save_picture(image.pixels, f"{i}.png")
        p = drawn.landmarks.points[i]
        lines.append(f"{i}.png,{'test' if i % 3 else 'train'},{p[0, 0]},{p[0, 1]},{p[2, 0]},{p[2, 1]}")
    Path("wings.csv").write_text("\n".join(lines))
    save_picture(np.asarray(drawn.images[0].pixels), "photo.jpg")
    cairn.train("wings.csv", recipe="mean", finder="whole", quiet=True).save("wings.cairn")
    space: dict[str, object] = {}
    for block in blocks(ROOT / "docs" / "python.md", "python"):
        exec(block, space)
    assert Path("mine.cairn").exists()
    assert space["found"].points.shape == (1, 2, 2)
