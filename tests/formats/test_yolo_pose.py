"""Ultralytics' folders, and sleap-io's reading and writing of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, save_blank

SETTINGS = "path: .\ntrain: images/train\nval: images/val\nkpt_shape: [2, 3]\nflip_idx: [1, 0]\nnames: {0: fly}\n"


def project(folder, line="0 0.5 0.5 0.4 0.2 0.25 0.5 2 0.75 0.1 1", yaml=SETTINGS, inside=("images/{}", "labels/{}")):
    """A data set with a picture of 20 x 30 px in each split; the second has no labels."""
    for name, split in (("a", "train"), ("b", "val")):
        save_blank(folder / inside[0].format(split) / f"{name}.jpg", 20, 30)
        (folder / inside[1].format(split)).mkdir(parents=True, exist_ok=True)
    (folder / inside[1].format("train") / "a.txt").write_text(line + "\n")
    (folder / "data.yaml").write_text(yaml)
    return folder


def test_numbers_are_shares_of_the_picture(tmp_path):
    found = read(project(tmp_path))
    assert sniff(tmp_path) == "yolo_pose"
    assert found.landmarks.points.tolist() == [[[5, 15], [15, 3]]]
    np.testing.assert_allclose(found.landmarks.boxes, [[6, 12, 14, 18]])
    assert found.landmarks.visibility.tolist() == [[2, 1]]
    assert found.skeleton.flip == (1, 0)
    assert found.split.tolist() == ["train", "val"]
    assert len(found.images) == 2
    assert read(tmp_path / "data.yaml").equals(found)


@pytest.mark.parametrize(
    ("yaml", "inside"),
    [
        (
            SETTINGS.replace("images/train", "../train/images").replace("images/val", "../valid/images"),
            ("{}/images", "{}/labels"),
        ),
        (SETTINGS.replace("path: .", "path: ../datasets/flies"), ("images/{}", "labels/{}")),
        (SETTINGS.replace("path: .", "path: C:/data/flies"), ("images/{}", "labels/{}")),
        (SETTINGS.replace("train: images/train", "train: [images/train]"), ("images/{}", "labels/{}")),
        (SETTINGS.replace("train: images/train", "train: train.txt"), ("images/{}", "labels/{}")),
        (SETTINGS + "test: images/test\n", ("images/{}", "labels/{}")),
    ],
)
def test_layouts_in_the_wild(tmp_path, yaml, inside):
    project(tmp_path, yaml=yaml, inside=inside)
    if "valid" in yaml:
        (tmp_path / "val").rename(tmp_path / "valid")
    (tmp_path / "train.txt").write_text("./images/train/a.jpg\n")
    found = read(tmp_path)
    assert found.landmarks.points[0, 0].tolist() == [5, 15]
    assert found.split.tolist() == ["train", "val"]


def test_names_of_points_and_of_classes(tmp_path):
    yaml = SETTINGS.replace("{0: fly}", "[fly, bee]") + "kpt_names:\n  0:\n    - nose\n    - tail\n  1: [nose, tail]\n"
    line = "0 0.5 0.5 0.4 0.2 0.25 0.5 2 0.75 0.1 1\n1 0.5 0.5 0.4 0.2 0.5 0.5 2 0 0 0"
    found = read(project(tmp_path, line, yaml))
    assert found.skeleton.names == ("nose", "tail")
    assert found.columns["class"].tolist() == ["fly", "bee"]
    assert np.isnan(found.landmarks.points[1, 1]).all()
    assert write(found, tmp_path / "out", format="yolo_pose") == []
    assert read(tmp_path / "out").columns["class"].tolist() == ["fly", "bee"]


def test_points_of_two_numbers(tmp_path):
    yaml = SETTINGS.replace("[2, 3]", "[3, 2]").replace("[1, 0]", "[1, 0, 2]")
    found = read(project(tmp_path, "0 0.5 0.5 0.4 0.2 0.25 0.5 0 0 -1 -1", yaml))
    assert found.landmarks.labelled.tolist() == [[True, False, False]]
    assert found.landmarks.visibility is None


def test_predictions_have_confidence_score_and_track(tmp_path):
    found = read(project(tmp_path, "0 0.5 0.5 0.4 0.2 0.25 0.5 0.9 0 0 0.2 0.75 3"))
    assert found.landmarks.confidence.tolist() == [[0.9, 0.2]]
    assert found.landmarks.labelled.tolist() == [[True, False]]
    assert found.landmarks.score.tolist() == [0.75]
    assert found.landmarks.track_id.tolist() == [3]


_share = st.one_of(st.floats(0, 1, width=32), st.none())


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.tuples(_share, st.floats(0, 1)), min_size=3, max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_reading_what_was_written_gives_the_same(shared_folder, tmp_path_factory, rows):
    rows = sorted(rows, key=lambda r: r[0])
    points = np.array([[(np.nan, np.nan) if x is None else (12 * x, 12 * y) for x, y in row] for _, row in rows])
    if np.isnan(points).all(axis=(1, 2)).any():
        return
    data = labelled(shared_folder, points, [i for i, _ in rows], names=("u", "v", "w"))
    out = tmp_path_factory.mktemp("yolo")
    assert write(data, out, format="yolo_pose") == []
    found = read(out)
    np.testing.assert_allclose(found.landmarks.points, points, atol=1e-6)
    np.testing.assert_allclose(found.landmarks.boxes, data.landmarks.boxes, atol=1e-6)
    assert found.landmarks.image_index.tolist() == data.landmarks.image_index.tolist()
    assert found.split is None
    assert found.skeleton.equals(data.skeleton)


def test_splits_edges_and_hidden_points_come_back(folder):
    body = Skeleton(("u", "v", "w"), edges=((0, 1),), flip=(1, 0, 2))
    marks = Landmarks(body, np.full((2, 3, 2), 5.0), [[1, 2, 8, 9]] * 2, [0, 1], visibility=[[1, 2, 2], [2, 2, 1]])
    data = Dataset(labelled(folder, np.ones((1, 1, 2)), [0]).images, marks, split=np.array(["train", "val", "fold 3"]))
    assert write(data, folder / "yolo", format="yolo_pose") == []
    found = read(folder / "yolo")
    np.testing.assert_allclose(found.landmarks.boxes, marks.boxes, atol=1e-9)
    assert found.landmarks.visibility.tolist() == marks.visibility.tolist()
    assert found.skeleton.equals(body)
    assert found.split.tolist() == ["train", "val", "fold 3"]
    assert (folder / "yolo" / "train" / "images" / "a.png").read_bytes() == (folder / "a.png").read_bytes()
    assert write(found, folder / "yolo", format="yolo_pose") == []  # in its own place nothing is copied


def test_frames_and_pictures_from_no_file_are_written_as_png(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 11, 3)).astype(np.uint8)
    data = labelled(tmp_path, np.ones((1, 1, 2)), [0])
    write(data.landmarks, tmp_path / "yolo", format="yolo_pose", images=ImageList([Image(pixels)]))
    np.testing.assert_array_equal(read(tmp_path / "yolo").images[0].pixels, pixels)


def test_two_pictures_of_one_name_get_two(tmp_path):
    for name in ("one", "two"):
        save_blank(tmp_path / name / "a.png", 20, 30)
    images = ImageList([Source(str(tmp_path / n / "a.png")) for n in ("one", "two")])
    marks = labelled(tmp_path, np.ones((2, 1, 2)) * [[[1]], [[2]]], [0, 1]).landmarks
    write(marks, tmp_path / "yolo", format="yolo_pose", images=images)
    np.testing.assert_allclose(read(tmp_path / "yolo").landmarks.points[:, 0, 0], [1, 2])


def test_labels_of_other_pictures_are_not_mixed_in(folder):
    data = labelled(folder, np.ones((1, 1, 2)), [0])
    write(data, folder / "yolo", format="yolo_pose")
    (folder / "yolo" / "labels" / "old.txt").write_text("0 0.5 0.5 1 1 0.5 0.5 2\n")
    with pytest.raises(InputError, match=r"has labels of other pictures \(old.txt\)"):
        write(data, folder / "yolo", format="yolo_pose")


def test_what_reaches_beyond_the_picture_and_what_is_lost_is_said(folder):
    data = labelled(folder, np.full((1, 1, 2), 99.0), [0])
    marks = Landmarks(**{**data.landmarks.__dict__, "confidence": [[0.5]]})
    lost = " ".join(write(marks, folder / "yolo", format="yolo_pose", images=data.images))
    assert "1 objects reach beyond" in lost
    assert "confidence" in lost


@pytest.mark.parametrize(
    ("line", "yaml", "message"),
    [
        ("0 0.5 0.5 0.4 0.2", SETTINGS, r"a.txt, line 1: 5 numbers; expected 11 for 2 points"),
        ("0 0.5 0.5 0.4 0.2 0.25 x 2 0.75 0.1 1", SETTINGS, r"a.txt, line 1: 'x' is not a number"),
        ("0.5 0.5 0.5 0.4 0.2 0.25 0.5 2 0.75 0.1 1", SETTINGS, r"expected the number of a class"),
        ("0 0.5 0.5 0.4 0.2 0.25 0.5 2.5 0.75 0.1 1", SETTINGS, r"2.5 is neither a visibility"),
        ("", SETTINGS.replace("[2, 3]", "[2, 4]"), r"kpt_shape is '\[2, 4\]'"),
        ("", SETTINGS.replace("[2, 3]", "[999999, 3]"), r"999999 points"),
        ("", SETTINGS.replace("[1, 0]", "[1, 1]"), r"flip_idx: .*its own inverse"),
        ("", SETTINGS.replace("images/train", "images/../../train"), r"leaves the folder"),
        ("", SETTINGS.replace("images/train", "/etc"), r"leaves the folder"),
        ("", SETTINGS.replace("images/train", "a" * 5000), r"there is no train"),
        ("", SETTINGS.replace("images/train", "images/none"), r"there is no train 'images/none'"),
        ("", SETTINGS + "kpt_names: {0: [a]}\n", r"kpt_names are not 2 names"),
        ("", SETTINGS + "a: &x [1]\nb: [*x, *x]\n", r"refers to other parts of itself"),
        ("", SETTINGS + "a: !!python/object/apply:os.system [ls]\n", r"not valid YAML"),
        ("", SETTINGS + "a: " + "[" * 5000 + "\n", r"YAML"),
        ("", SETTINGS + "a: {\n", r"line \d+: not valid YAML"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path, line, yaml, message):
    project(tmp_path, line, yaml)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "data.yaml")


def test_sleap_io_reads_what_we_write_and_we_what_it_writes(folder):
    sio = pytest.importorskip("sleap_io")
    points = np.array([[[1.0, 2], [3, 4], [np.nan, np.nan]], [[5, 6], [7, 8], [9, 10]]])
    data = labelled(folder, points, [0, 1], names=("u", "v", "w"))
    data = Dataset(data.images, data.landmarks, split=np.array(["train", "train", "val"]))
    assert write(data, folder / "ours", format="yolo_pose") == []
    labels = sio.load_ultralytics(str(folder / "ours"), split="train")
    found = np.array([f.instances[0].numpy() for f in labels])
    np.testing.assert_allclose(found, points, atol=1e-4)
    assert labels.skeleton.node_names == ["u", "v", "w"]
    sio.save_ultralytics(labels, str(folder / "theirs"), split_ratios={"train": 0.5, "val": 0.5}, verbose=False)
    back = read(folder / "theirs")
    assert sorted(back.split) == ["train", "val"]
    order = np.argsort(back.landmarks.points[:, 0, 0])
    np.testing.assert_allclose(back.landmarks.points[order], points, atol=1e-4)
    assert back.skeleton.flip is None  # sleap-io fills flip_idx with 0, 1, 2, ...
