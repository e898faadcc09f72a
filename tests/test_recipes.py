import importlib.util

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.images import ImageList
from cairn.landmarks import Landmarks
from cairn.placement import placement
from cairn.recipes import train
from cairn.skeleton import Skeleton
from tests.conftest import KITE, draw_kites

WINGS = {"share": 0.85, "wander": 0.6}  # large, in the middle, as a microscope's operator would put them


def _cut_out(pictures=20):
    """Crops with the same margin around every tight box."""
    whole = draw_kites(pictures, share=0.4, size=(160, 140))
    images, points = [], []
    from cairn.images import Image

    for i in range(pictures):
        box = whole.landmarks.boxes[i]
        side = (box[2:] - box[:2]).max()
        low = np.floor((box[:2] + box[2:]) / 2 - side).astype(int).clip(0)
        high = np.ceil((box[:2] + box[2:]) / 2 + side).astype(int)
        size = (high - low).min() // 2 * 2
        images.append(Image(np.zeros((1000, 1000, 3), np.uint8)))
        points.append((whole.landmarks.points[i] - (box[:2] + box[2:]) / 2) / size * 1000 + 500)
    points = np.array(points)
    from cairn.geometry import boxes

    labels = Landmarks(KITE, points, boxes.around(points), np.arange(pictures))
    return Dataset(ImageList(images), labels)


def test_large_objects_in_the_middle_take_the_whole_picture():
    model = train(draw_kites(20, **WINGS), recipe="mean", quiet=True)
    assert isinstance(model.finder, WholeImage)
    assert model.detector.uses_box is False


def test_small_objects_want_a_finder():
    assert placement(draw_kites(20)).finder == "train"


def test_several_objects_a_picture_want_a_finder():
    assert placement(draw_kites(20, each=2, share=0.9, wander=0)).finder == "train"


def test_pictures_cut_out_around_their_labels_are_learned_from_boxes():
    data = _cut_out()
    assert placement(data).finder == "cut out"
    model = train(data, recipe="mean", quiet=True)
    assert model.detector.uses_box is True
    assert model.finder is None


def test_a_choice_of_the_user_wins():
    model = train(draw_kites(20), recipe="mean", finder="whole", quiet=True)
    assert isinstance(model.finder, WholeImage)
    given = WholeImage()
    assert train(draw_kites(20), recipe="mean", finder=given, quiet=True).finder is given


def test_the_choices_are_said(capsys):
    train(draw_kites(40, **WINGS), recipe="mean")
    said = capsys.readouterr().err
    assert "the picture is the box" in said
    assert "4 of them are held out" in said
    assert "nme" in said
    train(draw_kites(40, **WINGS), recipe="mean", quiet=True)
    assert capsys.readouterr().err == ""


def test_the_card_says_what_was_measured_and_under_which_licence():
    model = train(draw_kites(40, **WINGS, licence="CC BY 4.0"), recipe="mean", quiet=True, seed=3, name="kites")
    card = model.card
    assert card["name"] == "kites"
    assert card["data"]["objects"] == 40
    assert card["data"]["held_out"] == 4
    assert card["licences"]["data"] == "CC BY 4.0"
    assert "CC BY 4.0" in card["licences"]["weights"]
    assert card["seed"] == 3
    score = card["scores"][0]
    assert (score["metric"], score["normaliser"], score["boxes"], score["n"]) == ("nme", "width", "given", 4)
    assert score["low"] <= score["value"] <= score["high"]


def test_the_held_out_score_is_of_pictures_that_were_not_learned_from():
    data = draw_kites(40, **WINGS)
    from cairn.recipes import _hold_out

    rest, held = _hold_out(data, 0)
    labels = {data.images.label(i) for i in range(40)}
    first, second = ({d.images.label(i) for i in range(len(d.images))} for d in (rest, held))
    assert first | second == labels
    assert not first & second


def test_subjects_are_not_parted():
    data = draw_kites(40, **WINGS)
    subject = np.repeat(np.arange(10), 4).astype(str)
    from cairn.recipes import _hold_out

    rest, held = _hold_out(Dataset(data.images, data.landmarks, subject=subject), 1)
    assert len(held) == 4
    assert not set(rest.subject) & set(held.subject)


def test_of_a_video_a_block_of_frames_is_held_out():
    data = draw_kites(40)
    from cairn.recipes import _hold_out

    _, held = _hold_out(Dataset(data.images, data.landmarks, frame=np.arange(40)), 5)
    assert np.diff(held.frame).tolist() == [1, 1, 1]


def test_only_the_split_train_is_learned_from():
    data = draw_kites(40, **WINGS)
    split = np.array(["train"] * 30 + ["test"] * 10)
    card = train(Dataset(data.images, data.landmarks, split=split), recipe="mean", quiet=True).card
    assert card["data"]["objects"] == 30
    assert card["data"]["split"] == "train"


def test_three_pictures_are_enough_for_a_model_but_not_for_a_score(capsys):
    model = train(draw_kites(3, **WINGS), recipe="mean")
    assert model.calibration is None
    assert model.card["scores"] == []
    assert "too little data" in capsys.readouterr().err


def test_confidence_is_calibrated_on_the_held_out_pictures():
    model = train(draw_kites(40, **WINGS), recipe="mean", quiet=True)
    assert model.calibration is not None
    assert model.calibration.rows == 4


def test_the_same_seed_gives_the_same_file(tmp_path):
    for name in "ab":
        train(draw_kites(40, **WINGS), recipe="mean", quiet=True, seed=2).save(tmp_path / f"{name}.cairn")
    assert (tmp_path / "a.cairn").read_bytes() == (tmp_path / "b.cairn").read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"recipe": "forest"}, "no recipe 'forest'; choose one of heatmap, heatmap-small, ert, .*mean"),
        ({"minutes": -1}, "-1 minutes"),
        ({"minutes": float("nan")}, "nan minutes"),
        ({"steps": 0}, "0 steps"),
        ({"finder": "dog"}, "no finder 'dog'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        train(draw_kites(3), **{"recipe": "mean", **options})


def test_without_torch_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "cairn-landmarks\[train\]"'):
        train(draw_kites(3))


def _with_boxes(data, boxes):
    return Dataset(data.images, Landmarks(KITE, data.landmarks.points, boxes, data.landmarks.image_index))


def test_a_box_upside_down_is_refused_with_its_picture(kites):
    boxes = kites.landmarks.boxes.copy()
    boxes[4] = boxes[4, [2, 3, 0, 1]]
    with pytest.raises(InputError, match=r"kite004\.png.*upside down"):
        train(_with_boxes(kites, boxes), recipe="mean", quiet=True)


def test_a_box_outside_its_picture_is_refused_with_its_picture(kites):
    boxes = kites.landmarks.boxes.copy()
    boxes[5] += 1000
    with pytest.raises(InputError, match=r"kite005\.png.*outside of the picture"):
        train(_with_boxes(kites, boxes), recipe="mean", quiet=True)


def test_data_without_points_is_refused(kites):
    nothing = np.full_like(kites.landmarks.points, np.nan)
    labels = Landmarks(KITE, nothing, kites.landmarks.boxes, kites.landmarks.image_index)
    with pytest.raises(InputError, match="nothing to learn from"):
        train(Dataset(kites.images, labels), recipe="mean", quiet=True)


def test_rows_without_a_point_are_passed_over():
    data = draw_kites(20, **WINGS)
    points = data.landmarks.points.copy()
    points[:5] = np.nan
    boxes = data.landmarks.boxes.copy()
    boxes[:5] = np.nan
    labels = Landmarks(KITE, points, boxes, data.landmarks.image_index)
    model = train(Dataset(data.images, labels), recipe="mean", quiet=True)
    assert isinstance(model.detector, MeanShape)


def test_a_small_network_learns_where_the_kite_is():
    pytest.importorskip("torch")
    data = draw_kites(60, **WINGS)
    model = train(data, recipe="heatmap-small", steps=30, seed=0, quiet=True)
    card = model.card
    assert card["steps"] == 30
    assert card["scores"][0]["value"] < card["floor"][0]["value"]
    found = model(list(draw_kites(4, **WINGS, seed=9).images))
    assert found.points.shape == (4, 4, 2)


def test_several_objects_a_picture_get_a_trained_finder_and_all_goes_into_one_file(tmp_path):
    pytest.importorskip("torch")
    from cairn.model_file import load

    data = draw_kites(12, each=2)
    model = train(data, recipe="heatmap-small", steps=4, seed=0, quiet=True, folder=tmp_path / "run")
    assert model.card["recipe"]["finder"] == "CenterFinder"
    model.save(tmp_path / "m.cairn")
    again = load(tmp_path / "m.cairn")
    pictures = list(data.images[:3])
    assert again(pictures).equals(model(pictures))
    boxes = data.boxes[:3]
    assert again.predict(pictures, boxes).equals(model.predict(pictures, boxes))
    assert (tmp_path / "run" / "detector").is_dir()
    assert (tmp_path / "run" / "finder").is_dir()


def test_a_path_is_data_too(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        train(tmp_path / "wings.tps", recipe="mean")


def test_single_points_without_boxes_are_told_what_they_lack():
    data = draw_kites(5)
    one = Landmarks(
        Skeleton.anonymous(1), data.landmarks.points[:, :1], np.tile(data.landmarks.points[:, 0], 2), range(5)
    )
    with pytest.raises(InputError, match="no area around a single point"):
        train(Dataset(data.images, one), recipe="mean", quiet=True)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="the seed -1 is negative"):
        train(draw_kites(20), recipe="mean", seed=-1, quiet=True)


def test_a_trained_model_says_whether_its_answers_make_sense():
    from cairn.recipes import train
    from tests.conftest import draw_kites

    model = train(draw_kites(40), recipe="mean", finder="none", quiet=True)
    assert model.plausibility.rows[0] == 36
    data = draw_kites(5, seed=3)
    assert model.predict(list(data.images), data.boxes).plausible.all()


def test_trees_need_no_torch_and_beat_the_floor(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else real(name, *a))
    model = train(draw_kites(40, **WINGS), recipe="ert", steps=50, quiet=True)
    assert type(model.detector).__name__ == "Ert"
    assert model.card["scores"][0]["value"] < model.card["floor"][0]["value"]
    assert model.card["steps"] == 50
