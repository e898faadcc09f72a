"""One door for all label files."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from cairn.errors import InputError
from cairn.formats import FORMATS, read, sniff, write
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, pictures_of

TEXTS = {
    "pts": "version: 1\nn_points: 1\n{\n1 1\n}\n",
    "coco": '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "keypoints": [1, 1, 2]}]}',
    "imglab": (
        "<dataset><images><image file='a.png'><box top='1' left='1' width='1' height='1'>"
        "<part name='n' x='1' y='1'/></box></image></images></dataset>"
    ),
    "cvat": (
        '<annotations><image id="0" name="a.png"><skeleton label="object"><points label="n" outside="0" occluded="0" '
        'points="1,1"></points></skeleton></image></annotations>'
    ),
    "labelme": '{"shapes": [{"label": "n", "points": [[1, 1]], "shape_type": "point"}], "imagePath": "a.png"}',
    "label_studio": (
        '[{"data": {"image": "a.png"}, "annotations": [{"result": [{"type": "keypointlabels", '
        '"value": {"x": 5, "y": 5, "keypointlabels": ["n"]}}]}]}]'
    ),
    "via": (
        '{"a.png9": {"filename": "a.png", "size": 9, "regions": [{"shape_attributes": {"name": "point", "cx": 1, '
        '"cy": 1}, "region_attributes": {"name": "n"}}]}}'
    ),
    "openpose": '{"version": 1.3, "image": "a.png", "people": [{"pose_keypoints_2d": [2, 2, 1]}]}',
    "mediapipe": '{"image": "a.png", "landmarks": [[{"x": 0.5, "y": 0.5}]]}',
    "webmorph": "1\n1\t1\n0\n",
    "coco_results": '[{"image_id": "a.png", "category_id": 1, "keypoints": [1, 1, 0.5], "score": 0.5}]',
    "tps": "LM=1\n1 1\nIMAGE=a.png\n",
    "deeplabcut": "scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,1,1\n",
    "csv_long": "image,point,x,y\na.png,n,1,1\n",
    "stereomorph": (
        "<shapes>\n\t<image.name>a.png</image.name>\n\t<landmarks.pixel type=matrix>\n\t\tn\t1\t1\n"
        "\t</landmarks.pixel>\n</shapes>\n"
    ),
    "morphoj": "a.png\t1\t1\n",
    "csv": "image,n_x,n_y\na.png,1,1\n",
}

MADE = {
    "sleap": "a.slp",
    "parquet": "a.parquet",
    "yolo_pose": "yolo",
}  # files and folders that `write` makes, and their names


def put(folder, name, called):
    """A file of that format with the point n at 1, 1 in a.png."""
    if name in TEXTS:
        path = folder / called
        path.write_text(TEXTS[name])
    else:
        pytest.importorskip({"sleap": "sleap_io"}.get(name, "numpy"))
        path = folder / MADE[name]
        write(labelled(folder, np.ones((1, 1, 2)), [0], names=("n",)), path, format=name)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_from_the_content_whatever_the_file_is_called(folder, name):
    path = put(folder, name, "a.labels")
    assert sniff(path) == name
    assert len(read(path)) == 1


def test_every_format_is_tried_here():
    assert {*TEXTS, *MADE} == set(FORMATS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_mark_at_the_beginning_of_the_file_does_not_matter(folder, name):
    path = folder / "a.txt"
    path.write_text("\ufeff" + TEXTS[name], encoding="utf-8")
    assert sniff(path) == name
    assert len(read(path)) == 1


@pytest.mark.parametrize("suffix", [".tps", ".pts", ".json", ".csv", ".bin"])
def test_binary_junk_and_empty_files_are_refused_whatever_they_are_called(folder, suffix):
    path = folder / f"junk{suffix}"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match=r"junk\."):
        read(path)
    path.write_bytes(np.random.default_rng(0).integers(1, 256, 5000).astype(np.uint8).tobytes())
    with pytest.raises(InputError, match=r"junk\."):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        read(path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "nothing.tps")
    with pytest.raises(InputError, match="no labels in this folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="no format 'exe'"):
        read(tmp_path, format="exe")


def test_a_folder_with_two_kinds_of_labels_asks_for_one(folder):
    (folder / "a.tps").write_text(TEXTS["tps"])
    (folder / "a.json").write_text(TEXTS["coco"])
    with pytest.raises(InputError, match=r"several formats \(coco, tps\)"):
        read(folder)


def test_a_file_above_the_limit_is_refused_before_it_is_read(folder, monkeypatch):
    monkeypatch.setattr("cairn.formats.text.MAX_BYTES", 10)
    path = folder / "a.json"
    path.write_text(TEXTS["coco"])
    with pytest.raises(InputError, match="more than the limit"):
        read(path)


@pytest.mark.parametrize("target", ["out.csv", "out.json", "out.tps", "out"])
def test_labels_written_elsewhere_are_read_from_there(folder, tmp_path_factory, target):
    data = labelled(folder, np.arange(6.0).reshape(1, 3, 2), [0])
    out = tmp_path_factory.mktemp("elsewhere") / target
    notes = write(data, out)
    assert any("full paths" in n for n in notes)
    assert read(out).landmarks.points.tolist() == data.landmarks.points.tolist()


@pytest.mark.parametrize("target", ["out.csv", "out.json", "out.pts"])
def test_predictions_can_be_written_for_pictures_of_a_list(folder, target):
    data = labelled(folder, np.arange(6.0).reshape(1, 3, 2), [0])
    write(data.landmarks, folder / target, images=pictures_of(folder))
    assert (folder / target).is_file()


def test_landmarks_without_their_pictures_are_refused(folder):
    data = labelled(folder, np.ones((1, 3, 2)), [0])
    with pytest.raises(InputError, match="give images as well"):
        write(data.landmarks, folder / "out.csv")
    with pytest.raises(InputError, match="there are only 0 images"):
        write(data.landmarks, folder / "out.csv", images=ImageList([]))


def test_pictures_that_come_from_no_file_get_a_name_and_it_is_said(tmp_path):
    data = labelled(tmp_path, np.ones((1, 3, 2)), [0])
    images = ImageList([Image(np.zeros((5, 5), np.uint8))])
    for name in ("out.csv", "out.json", "out.tps"):
        assert any("come from no file" in s for s in write(data.landmarks, tmp_path / name, images=images))
    assert "image_0000.png" in (tmp_path / "out.csv").read_text()


def test_a_video_frame_is_named_and_found_again(folder):
    from cairn.images import Source

    (folder / "run.mp4").write_bytes(b"video")
    images = ImageList([Source(str(folder / "run.mp4"), frame=12)])
    marks = labelled(folder, np.ones((1, 3, 2)), [0]).landmarks
    assert write(marks, folder / "out.csv", images=images) == []
    assert read(folder / "out.csv").images.sources == images.sources


def test_a_picture_whose_name_no_text_can_hold_is_refused(folder):
    images = ImageList([folder / "line\nbreak.png"])
    marks = labelled(folder, np.ones((1, 3, 2)), [0]).landmarks
    with pytest.raises(InputError, match="rename it"):
        write(marks, folder / "out.csv", images=images)


def test_a_place_that_cannot_be_written_to_is_refused_and_leaves_nothing(folder):
    data = labelled(folder, np.ones((1, 3, 2)), [0])
    with pytest.raises(InputError, match="there is no folder"):
        write(data, folder / "no" / "where.csv")
    with pytest.raises(InputError, match=r"'\.xyz' is the name of no format"):
        write(data, folder / "out.xyz")
    (folder / "dir.json").mkdir()
    with pytest.raises(InputError):
        write(data, folder / "dir.json", format="coco")
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "b.png", "c.png", "dir.json"]


def test_a_failed_writing_leaves_the_old_file(folder, monkeypatch):
    data = labelled(folder, np.ones((1, 3, 2)), [0])
    path = folder / "out.csv"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="cannot be written"):
        write(data, path)
    assert path.read_text() == "old"
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", ["out.csv", "out.json", "out.tps", "out"])
def test_any_format_becomes_any_other_without_moving_a_point(folder, first, second):
    (folder / "in").mkdir()
    path = put(folder, first, {"pts": "a.pts", "webmorph": "a.tem"}.get(first, "labels.txt"))
    data = read(path)
    if path.suffix == ".pts":
        path.unlink()
    write(data, folder / second)
    np.testing.assert_allclose(read(folder / second).landmarks.points, data.landmarks.points, atol=1e-6)


TARGETS = {"sleap": "a.slp", "yolo_pose": "yolo", "pts": ".", "labelme": ".", "openpose": ".", "webmorph": "."}


@pytest.mark.parametrize("first", FORMATS)
def test_one_pixel_is_followed_through_every_pair_of_formats(tmp_path, first):
    if first == "sleap":
        pytest.importorskip("sleap_io")
    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255

    def through(data, name, folder):
        target = folder / TARGETS.get(name, "labels.x")
        write(data, target, format=name)
        found = read(target, format=name, pictures=folder if name == "webmorph" else None)
        x, y = found.landmarks.points[0, 0, :2]
        assert (x, y) == pytest.approx((4, 22), abs=1e-4), name
        assert found.images[0].rgb()[round(y), round(x)].tolist() == [255, 255, 255], name
        return found

    def new(name):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / "a.png"), pixels)
        return tmp_path / name

    folder = new("first")
    data = labelled(folder, [[[4, 22]]], [0], names=("n",)).take_images([0])
    data = through(data, first, folder)
    for second in FORMATS if find_spec("sleap_io") else FORMATS.keys() - {"sleap"}:
        through(data, second, new(f"second_{second}"))


def test_writing_leaves_the_data_as_it_was(folder):
    data = labelled(folder, np.arange(18.0).reshape(3, 3, 2), [0, 1, 2])
    before = Landmarks(**{k: v.copy() if isinstance(v, np.ndarray) else v for k, v in data.landmarks.__dict__.items()})
    for target in ("out.csv", "out.json", "out.tps", "out"):
        write(data, folder / target)
    assert data.landmarks.equals(before)


def test_the_pictures_of_predictions_may_be_paths(folder):
    data = labelled(folder, np.zeros((1, 2, 2)), [0])
    path = data.images.label(0)
    write(data.landmarks, folder / "points.csv", images=[path])
    assert read(folder / "points.csv").images.label(0) == path


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("project.zip", b"PK\x03\x04", "unpack it, and give the folder or the file in it"),
        ("project.tar.gz", b"\x1f\x8b\x08", "unpack it"),
        ("points.xlsx", b"PK\x03\x04", "save its table as CSV"),
        ("points.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "save its table as CSV"),
        ("wings.cairn", b"PK\x03\x04", "a model, not labels"),
        ("wing.jpg", b"\xff\xd8\xff\xe0", "a picture, not labels"),
    ],
)
def test_what_is_no_label_file_is_called_what_it_is(folder, name, content, sentence):
    (folder / name).write_bytes(content + b"\0" * 100)
    with pytest.raises(InputError, match=sentence):
        read(folder / name)


def test_an_unpacked_export_of_cvat_is_read_as_a_folder(folder):
    """Which has annotations.xml, and its pictures in images/."""
    (folder / "export" / "images").mkdir(parents=True)
    (folder / "a.png").rename(folder / "export" / "images" / "a.png")
    (folder / "export" / "annotations.xml").write_text(TEXTS["cvat"])
    assert sniff(folder / "export") == "cvat"
    assert len(read(folder / "export")) == 1
