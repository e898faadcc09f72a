"""Pictures on workers: the points of one process; what died is done again, what is done is not, failures are listed."""

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.distributed.pictures import Found, detect_ray, divide, look
from cairn.errors import InputError
from cairn.images import find_images
from cairn.model import Model
from tests.conftest import KITE, draw_kites


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "kites.cairn"
    Model(MeanShape(uses_box=False).fit(draw_kites(20, share=0.85, wander=0.6)), KITE, WholeImage()).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Ten pictures, the fifth of them no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, image in enumerate(draw_kites(10).images):
        cv2.imwrite(str(folder / f"kite{i}.png"), image.pixels[..., ::-1])
    (folder / "kite4.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def parquet(folder, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    files = sorted(folder.iterdir())
    table = pyarrow.table({"name": [f.name for f in files], "image": [f.read_bytes() for f in files]})
    write_table(table, tmp_path / "pictures.parquet", row_group_size=7)
    return tmp_path / "pictures.parquet"


def same(a, b):
    return a.landmarks.equals(b.landmarks) and [Path(s.path).name for s in a.sources] == [
        Path(s.path).name for s in b.sources
    ]


def test_blocks_hold_every_picture_once(folder, parquet):
    sources = find_images(folder).sources
    blocks = divide(sources, [parquet], size=4)
    assert [block.number for block in blocks] == list(range(6))
    names = [Path(name.path).name for block in blocks for name, _ in block.images()]
    assert names == [f"kite{i}.png" for i in range(10)] * 2


def test_a_block_is_looked_at_and_what_cannot_be_read_is_listed(model, folder, parquet):
    from cairn.model_file import load

    loaded = load(str(model))
    (block,) = divide(find_images(folder).sources)
    found = look(loaded, block)
    assert len(found.sources) == len(found.landmarks) == 9
    assert list(found.landmarks.image_index) == list(range(9))
    assert len(found.failures) == 1
    assert "kite4.png" in found.failures[0]
    again = Found.from_bytes(found.to_bytes(), loaded.skeleton)
    assert same(again, found)
    assert again.failures == found.failures
    of_parquet = Found.together([look(loaded, block) for block in divide([], [parquet], size=3)])
    assert same(of_parquet, found)
    assert "kite4.png: not a picture" in of_parquet.failures[0]


def test_parquet_without_pictures_or_names(tmp_path, folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no column holds pictures"):
        divide([], [tmp_path / "a.parquet"])
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        divide([], [tmp_path / "b.parquet"])
    data = (folder / "kite0.png").read_bytes()
    write_table(pyarrow.table({"image": [{"bytes": data, "path": None}] * 3}), tmp_path / "c.parquet")
    (block,) = divide([], [tmp_path / "c.parquet"])
    sources = [source for source, _ in block.images()]
    assert [source.page for source in sources] == [0, 1, 2]
    assert [read().size for _, read in block.images()] == [(120, 100)] * 3


@dataclass
class Watch:
    """Boxes as the model finds them; notes which pictures it sees, and kills its worker over one of them."""

    log: str
    fatal: str = "none"
    times: int = 0
    found: bool = True

    def check(self, image):
        name = Path(image.source.path).name
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()} {name}\n")
        deaths = Path(self.log + ".deaths")
        if name == self.fatal:
            died = len(deaths.read_text()) if deaths.exists() else 0
            if died < self.times:
                deaths.write_text("x" * (died + 1))
                os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def watch(tmp_path):
    import cloudpickle

    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)  # workers do not have the tests
    yield lambda **how: Watch(str(tmp_path / "log"), **how)
    cloudpickle.unregister_pickle_by_value(here)


def test_workers_find_what_one_process_finds_and_load_the_model_once(cluster, model, folder, watch, tmp_path):
    from cairn.model_file import load

    blocks = divide(find_images(folder).sources, size=2)
    here = Found.together([look(load(str(model)), block) for block in blocks])
    ticks = []
    there = detect_ray(blocks, str(model), tmp_path / "parts", boxes=watch(), tick=ticks.append)
    assert same(there, here)
    assert there.failures == here.failures
    assert ticks == [0, 1, 2, 3, 4, 5]
    assert not (tmp_path / "parts").exists()
    assert len({line.split()[0] for line in (tmp_path / "log").read_text().splitlines()}) == 1


def test_a_worker_killed_in_the_middle_of_a_block_costs_that_block_alone(cluster, model, folder, watch, tmp_path):
    from cairn.model_file import load

    blocks = divide(find_images(folder).sources, size=2)
    here = Found.together([look(load(str(model)), block) for block in blocks])
    there = detect_ray(blocks, str(model), tmp_path / "parts", boxes=watch(fatal="kite7.png", times=1))
    assert same(there, here)  # none lost, none twice
    seen = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert seen.count("kite7.png") == seen.count("kite6.png") == 2
    assert all(seen.count(name) == 1 for name in set(seen) - {"kite6.png", "kite7.png"})


def test_a_block_that_always_kills_is_listed_and_the_next_run_does_it_alone(cluster, model, folder, watch, tmp_path):
    blocks = divide(find_images(folder).sources, size=2)
    boxes = watch(fatal="kite7.png", times=3)
    there = detect_ray(blocks, str(model), tmp_path / "parts", boxes=boxes)
    assert len(there.sources) == 7
    assert any("kite6.png to" in s and "kite7.png (2 pictures)" in s for s in there.failures)
    (tmp_path / "log").unlink()
    with pytest.raises(InputError, match="holds an unfinished run over other pictures"):
        detect_ray(blocks[:3], str(model), tmp_path / "parts", boxes=boxes)
    again = detect_ray(blocks, str(model), tmp_path / "parts", boxes=boxes)  # it has died often enough
    assert len(again.sources) == 9
    seen = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert seen == ["kite6.png", "kite7.png"]


def test_the_folder_says_what_it_holds(model, folder, tmp_path):
    from cairn.distributed.pictures import _claim

    _claim(tmp_path / "parts", {"pictures": "a"})
    assert json.loads((tmp_path / "parts" / "run.json").read_text()) == {"pictures": "a"}
    _claim(tmp_path / "parts", {"pictures": "a"})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(InputError, match="is in the way"):
        _claim(tmp_path / "full", {})
    assert np.isfinite(draw_kites(1).landmarks.points).all()
