import io
import json
import zipfile
from dataclasses import dataclass, replace

import numpy as np
import pytest

from cairn import model_file
from cairn.detectors import DETECTORS, register
from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.model import Model
from cairn.model_file import load, read_model, write_model
from tests.conftest import KITE, draw_kites


@pytest.fixture
def model():
    data = draw_kites(20, share=0.8, wander=0.1)
    return Model(MeanShape(uses_box=False).fit(data), KITE, WholeImage(), card={"name": "kites", "seed": 0})


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "kites.cairn")
    return tmp_path / "kites.cairn"


def _rewrite(path, change=None, **members):
    """The same file with model.json changed by `change`, and members replaced or added."""
    with zipfile.ZipFile(path) as archive:
        contents = {n: archive.read(n) for n in archive.namelist()}
    contents |= members
    about = json.loads(contents["model.json"])
    if change is not None:
        change(about)
    contents["model.json"] = json.dumps(about).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def test_what_is_loaded_predicts_what_was_saved(model, path):
    again = read_model(path)
    pictures = list(draw_kites(5, seed=3).images)
    assert again(pictures).equals(model(pictures))
    assert again.skeleton.equals(model.skeleton)
    assert again.card == model.card
    assert isinstance(again.finder, WholeImage)


def test_the_same_model_gives_the_same_bytes(model, path, tmp_path):
    model.save(tmp_path / "b.cairn")
    assert (tmp_path / "b.cairn").read_bytes() == path.read_bytes()
    read_model(path).save(tmp_path / "c.cairn")
    assert (tmp_path / "c.cairn").read_bytes() == path.read_bytes()


def test_a_model_without_a_finder_comes_back_without_one(model, tmp_path):
    Model(model.detector, KITE).save(tmp_path / "m.cairn")
    assert read_model(tmp_path / "m.cairn").finder is None


def test_a_plug_in_is_saved_once_it_is_registered(tmp_path):
    @dataclass
    class Mine(MeanShape):
        pass

    model = Model(Mine().fit(draw_kites(3)), KITE)
    with pytest.raises(InputError, match=r"not registered.*cairn.register"):
        model.save(tmp_path / "m.cairn")
    register("mine", Mine)
    try:
        model.save(tmp_path / "m.cairn")
        assert isinstance(read_model(tmp_path / "m.cairn").detector, Mine)
        with pytest.raises(InputError, match="already belongs"):
            register("mean_shape", Mine)
    finally:
        del DETECTORS["mine"]
    with pytest.raises(InputError, match=r"m\.cairn: the detector 'mine' is not known here"):
        read_model(tmp_path / "m.cairn")


def test_a_failed_save_leaves_the_old_file(model, path, tmp_path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="nan"):
        Model(model.detector, KITE, card={"bad": float("nan")}).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["kites.cairn"]


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.7, 0.99])
def test_a_file_that_is_cut_short_is_refused(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: keep if keep >= 1 else int(keep * len(data))])
    with pytest.raises(InputError, match=r"kites\.cairn: not a whole cairn model file"):
        read_model(path)


def test_another_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.cairn", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="does not belong"):
        read_model(tmp_path / "m.cairn")


def test_an_unknown_version_is_refused(path):
    _rewrite(path, lambda about: about.update(version=99))
    with pytest.raises(InputError, match=r"version 99.*reads version 1"):
        read_model(path)


def test_a_changed_member_is_refused(path):
    with zipfile.ZipFile(path) as archive:
        data = bytearray(archive.read("detector/arrays/mean.npy"))
    data[-1] ^= 1
    _rewrite(path, **{"detector/arrays/mean.npy": bytes(data)})
    with pytest.raises(InputError, match="SHA-256"):
        read_model(path)


@pytest.mark.parametrize("name", ["../evil.npy", "/etc/evil", "detector/../../x.npy", "..\\evil", "C:evil"])
def test_a_member_that_points_outside_is_refused(path, name):
    _rewrite(path, **{name: b"x"})
    with pytest.raises(InputError, match="points outside"):
        read_model(path)


def test_an_unknown_member_is_refused(path):
    _rewrite(path, **{"detector/arrays/run.py": b"x"})
    with pytest.raises(InputError, match="does not belong"):
        read_model(path)


def test_a_member_that_is_not_listed_is_refused(path):
    _rewrite(path, **{"detector/arrays/more.npy": b"x"})
    with pytest.raises(InputError, match="not listed"):
        read_model(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_twice_is_refused(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("detector/arrays/mean.npy", b"x")
    with pytest.raises(InputError, match="twice"):
        read_model(path)


def test_a_member_that_is_too_large_is_refused_unread(path, monkeypatch):
    monkeypatch.setattr(model_file, "LARGEST_MEMBER", 10)
    with pytest.raises(InputError, match="at most 10 are accepted"):
        read_model(path)


def test_too_much_altogether_is_refused(path, monkeypatch):
    monkeypatch.setattr(model_file, "LARGEST_TOTAL", 100)
    with pytest.raises(InputError, match="unpacks to"):
        read_model(path)


def test_too_many_members_are_refused(path, monkeypatch):
    monkeypatch.setattr(model_file, "MOST_MEMBERS", 2)
    with pytest.raises(InputError, match="at most 2"):
        read_model(path)


def _listed(about, name, data):
    import hashlib

    about["members"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _npy(array, allow_pickle=False):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _npy(np.array([{"a": 1}], object), allow_pickle=True),
        _npy(np.array(["text"])),
        _npy(np.zeros((3, 2)))[:-8],
        _npy(np.zeros((3, 2))).replace(b"(3, 2)", b"(9, 9)"),
        b"not an array",
        b"\x93NUMPY\x01\x00\xff\xff",
    ],
    ids=["pickle", "text", "cut", "shape", "no magic", "no header"],
)
def test_an_array_that_is_not_plain_numbers_is_refused(path, data):
    name = "detector/arrays/mean.npy"
    _rewrite(path, lambda about: _listed(about, name, data), **{name: data})
    with pytest.raises(InputError, match=r"mean\.npy' is not a"):
        read_model(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["detector"]["settings"].update(rank=3),
        lambda about: about["detector"]["settings"]["skeleton"].update(names=["a", "a"]),
        lambda about: about["detector"].pop("settings"),
        lambda about: about["detector"]["arrays"].pop("mean"),
        lambda about: about["detector"]["arrays"].update(mean="detector/arrays/right.npy"),
        lambda about: about["detector"]["arrays"].update(mean="nowhere"),
        lambda about: about.update(skeleton={"names": 5}),
        lambda about: about.update(finder={"class": ["whole_image"]}),
    ],
)
def test_contents_that_do_not_fit_are_one_sentence(path, change):
    _rewrite(path, change)
    with pytest.raises(InputError, match=r"kites\.cairn: "):
        read_model(path)


@pytest.mark.parametrize("key", ["skeleton", "card", "detector", "members"])
def test_a_missing_part_is_named(path, key):
    _rewrite(path, lambda about: about.pop(key))
    with pytest.raises(InputError, match=key):
        read_model(path)


def test_the_model_json_must_be_json(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", "{" * 5)
    with pytest.raises(InputError, match="not JSON"):
        read_model(path)


def test_a_path_wins_over_a_name(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    path.rename(path.parent / "face68")
    assert load("face68").card["name"] == "kites"


def test_an_unknown_name_lists_the_bundled_models():
    with pytest.raises(InputError, match=r"no model 'face86'.*face68, .*face68-small"):
        load("face86")


def test_a_missing_file_is_named():
    with pytest.raises(InputError, match=r"nowhere\.cairn: no such model file"):
        load("nowhere.cairn")
    with pytest.raises(InputError, match="no such model file"):
        load("models/face68")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(InputError, match="a folder, not a model"):
        load(tmp_path)


def test_a_model_in_the_cache_is_found_by_name(path, monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    assert load("kites").card["name"] == "kites"


def test_writing_where_one_may_not_is_one_sentence(model, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="there is no folder"):
        write_model(model, tmp_path / "file" / "m.cairn")


@pytest.mark.parametrize("name", ["face68", "face68-ert", "face68-small"])
def test_the_bundled_models_say_what_they_are(name):
    model = load(name)
    assert len(model.skeleton) == 68
    assert model.finder is not None
    assert model.calibration is not None
    licences = model.card["licences"]
    assert "non-commercial" in licences["data"]
    assert {"code", "data", "weights"} <= set(licences)
    assert model.card["scores"]
    assert len(model.card["data"]["hash"]) == 64


def test_the_bundled_models_are_small():
    assert sum(p.stat().st_size for p in model_file._WEIGHTS.glob("*.cairn")) <= 12e6


def test_the_first_normaliser_stays_the_first(model, tmp_path):
    groups = {"width": ((3,), (1,)), "a_height": ((0,), (2,))}
    skeleton = replace(model.skeleton, normalisers=groups, parts={"z": (0,), "a": (1,)})
    write_model(replace(model, skeleton=skeleton), tmp_path / "m.cairn")
    again = read_model(tmp_path / "m.cairn").skeleton
    assert list(again.normalisers) == ["width", "a_height"]
    assert list(again.parts) == ["z", "a"]


def test_the_verdict_on_shapes_is_kept_and_files_without_one_still_load(tmp_path):
    from dataclasses import replace

    from cairn.shape.plausibility import Plausibility

    data = draw_kites(30)
    bare = Model(MeanShape().fit(data), KITE)
    bare.save(tmp_path / "bare.cairn")
    assert read_model(tmp_path / "bare.cairn").plausibility is None
    model = replace(bare, plausibility=Plausibility.fit(data.landmarks))
    model.save(tmp_path / "judged.cairn")
    again = read_model(tmp_path / "judged.cairn")
    assert again.plausibility.equals(model.plausibility)
    assert again.predict(data.images, data.boxes).equals(model.predict(data.images, data.boxes))
