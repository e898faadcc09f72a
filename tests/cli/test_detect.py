import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from cairn.errors import InputError
from cairn.formats import read
from cairn.model_file import load
from tests.cli.conftest import write_pictures
from tests.conftest import draw_kites


def test_a_picture_gives_a_picture_and_its_points_in_the_current_folder(cairn, kite_model, picture, tmp_path):
    result = cairn("detect", picture, "--model", kite_model)
    assert result.code == 0, result.err
    assert "1 found" in result.out
    assert "kite-landmarks.png" in result.out
    drawn = cv2.imread(str(tmp_path / "kite-landmarks.png"))
    assert drawn.shape[0] >= 100
    points = read(tmp_path / "kite-landmarks.json").landmarks
    assert np.allclose(points.points, load(kite_model)(picture).points, atol=0.01)


def test_out_says_where_and_what(cairn, kite_model, picture, tmp_path):
    for name in ("a.png", "b.json", "c.csv"):
        result = cairn("detect", picture, "--model", kite_model, "--out", name)
        assert result.code == 0, result.err
        assert (tmp_path / name).stat().st_size > 100
    assert not list(tmp_path.glob("*landmarks*"))
    assert cairn("detect", picture, "--model", kite_model, "--out", "folder").code == 0
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == ["kite-landmarks.json", "kite-landmarks.png"]


def test_json_is_all_there_is_on_standard_output(cairn, kite_model, picture, tmp_path):
    before = sorted(tmp_path.iterdir())
    result = cairn("detect", picture, "--model", kite_model, "--json")
    document = json.loads(result.out)
    assert document["images"][0]["file_name"] == str(picture)
    assert len(document["annotations"][0]["keypoints"]) == 12
    assert len(document["annotations"][0]["confidence"]) == 4
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_gives_a_table(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 11)
    result = cairn("detect", folder, "--model", kite_model, "--out", "points.csv")
    assert result.code == 0, result.err
    data = read(tmp_path / "points.csv")
    assert len(data) == 11
    assert [data.images.label(i).rsplit("/", 1)[-1] for i in range(2)] == ["kite000.png", "kite001.png"]


def test_a_folder_without_out_is_named_after_it(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 2)
    assert cairn("detect", folder, "--model", kite_model).code == 0
    assert (tmp_path / "specimens-landmarks.csv").exists()
    assert cairn("detect", folder, "--model", kite_model, "--draw").code == 0
    assert len(list((tmp_path / "specimens-landmarks").glob("*.png"))) == 2


def test_pictures_of_the_same_name_do_not_overwrite_each_other(cairn, kite_model, tmp_path):
    a, b = (write_pictures(tmp_path / name, 1, seed=i) for i, name in enumerate("ab"))
    result = cairn("detect", a, b, "--model", kite_model, "--out", "drawn", "--draw")
    assert result.code == 0, result.err
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 2


def test_a_bad_file_does_not_stop_the_others(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 3)
    (folder / "kite001.png").write_text("this is no picture")
    result = cairn("detect", folder, tmp_path / "nowhere.jpg", "--model", kite_model)
    assert result.code == 2
    assert "kite001.png" in result.err
    assert "nowhere.jpg" in result.err
    assert "2 failed, 2 done" in result.err
    assert len(read(tmp_path / "landmarks.csv")) == 2


def test_one_bad_file_is_one_sentence(cairn, kite_model, tmp_path):
    (tmp_path / "photo.jpg").write_text("this is no picture")
    result = cairn("detect", "photo.jpg", "--model", kite_model)
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert not list(tmp_path.glob("*landmarks*"))


def test_a_box_can_be_given(cairn, kite_model, picture, tmp_path):
    result = cairn("detect", picture, "--model", kite_model, "--boxes", "10,20,60,70", "--out", "p.json")
    assert result.code == 0, result.err
    assert read(tmp_path / "p.json").landmarks.boxes.tolist() == [[10, 20, 60, 70]]


def test_boxes_can_come_from_a_file_of_labels(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 2)
    assert cairn("detect", folder, "--model", kite_model, "--boxes", "whole", "--out", "a.json").code == 0
    result = cairn("detect", folder, "--model", kite_model, "--boxes", "a.json", "--out", "b.json")
    assert result.code == 0, result.err
    a, b = (read(tmp_path / f"{n}.json").landmarks for n in "ab")
    assert np.allclose(a.boxes, b.boxes)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.json").rename(tmp_path / "elsewhere" / "a.json")
    result = cairn("detect", folder, "--model", kite_model, "--boxes", "elsewhere/a.json", "--out", "c.json")
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ("other", "expected found, whole, four numbers"),
        ("1,2,3", "four numbers"),
        ("1,2,3,nan", "four numbers"),
        ("60,20,10,70", "upside down"),
        ("500,500,600,600", "outside of the picture"),
    ],
)
def test_boxes_that_cannot_be_are_refused(cairn, kite_model, picture, boxes, said):
    result = cairn("detect", picture, "--model", kite_model, "--boxes", boxes)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_no_model_is_one_sentence(cairn, picture):
    result = cairn("detect", picture, "--model", "nowhere.cairn")
    assert (result.code, result.err) == (2, "cairn: nowhere.cairn: no such model file\n")


def test_many_pictures_do_not_fit_into_one(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 2)
    result = cairn("detect", folder, "--model", kite_model, "--out", "all.png")
    assert result.code == 2
    assert "one picture cannot hold many" in result.err


def test_the_picture_itself_is_never_overwritten(cairn, kite_model, picture):
    before = picture.read_bytes()
    result = cairn("detect", picture, "--model", kite_model, "--out", picture)
    assert result.code == 2
    assert picture.read_bytes() == before


def test_quiet_prints_nothing(cairn, kite_model, picture):
    result = cairn("detect", picture, "--model", kite_model, "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_video_gives_a_row_a_frame(cairn, kite_model, tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (120, 100))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write a video")
    for image in draw_kites(12).images:
        writer.write(image.pixels)
    writer.release()
    result = cairn("detect", path, "--model", kite_model, "--draw")
    assert result.code == 0, result.err
    rows = (tmp_path / "clip-landmarks.csv").read_text().strip().splitlines()
    assert len(rows) == 13
    assert len(list((tmp_path / "clip-landmarks").glob("clip-*.png"))) == 12


def test_nothing_found_is_said_and_is_no_failure(cairn, tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 300, 3), 128, np.uint8))
    result = cairn("detect", "grey.png")
    assert result.code == 0, result.err
    assert "0 found" in result.out
    assert (tmp_path / "grey-landmarks.json").exists()


def test_a_face_is_found_with_the_bundled_model(cairn, tmp_path):
    from skimage.data import astronaut

    cv2.imwrite(str(tmp_path / "photo.png"), astronaut()[..., ::-1])
    result = cairn("detect", "photo.png")
    assert result.code == 0, result.err
    found = read(tmp_path / "photo-landmarks.json").landmarks
    assert found.points.shape == (1, 68, 2)
    nose = found.points[0, 30]
    assert np.hypot(*(nose - [222, 130])) < 25


def test_files_are_written_though_nobody_reads_what_is_printed(kite_model, picture, tmp_path):
    command = f"{sys.executable} -m cairn detect {picture} --model {kite_model} --out points.csv | true"
    command += "; exit ${PIPESTATUS[0]}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(read(tmp_path / "points.csv")) == 1


@pytest.mark.parametrize("out", ["points.txt", "taken/below"])
def test_where_nothing_can_be_written_is_said_before_the_work(cairn, picture, tmp_path, out):
    (tmp_path / "taken").write_text("a file")
    result = cairn("detect", picture, "--model", "no-such-model", "--out", out)
    assert result.code == 2
    assert out.split("/")[0] in result.err
    assert "no-such-model" not in result.err


def test_points_are_written_where_pictures_cannot_be(cairn, kite_model, tmp_path, monkeypatch):
    folder = write_pictures(tmp_path / "specimens", 3)

    def full(pixels, path):
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr("cairn.draw.save_picture", full)
    result = cairn("detect", folder, "--model", kite_model, "--draw", "--out", "points.csv")
    assert result.code == 2
    assert result.err.count("No space left") == 1
    assert len(read(tmp_path / "points.csv")) == 3


def test_empty_boxes_are_no_folder(cairn, kite_model, picture):
    result = cairn("detect", picture, "--model", kite_model, "--boxes", "")
    assert result.code == 2
    assert "--boxes" in result.err


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
def test_a_name_that_no_table_can_hold_does_not_stop_the_others(cairn, kite_model, tmp_path):
    folder = write_pictures(tmp_path / "specimens", 3)
    (folder / "kite001.png").rename(folder / "kite\n1.png")
    result = cairn("detect", folder, "--model", kite_model)
    assert result.code == 2
    assert "1 failed, 2 done" in result.err
    assert len(read(tmp_path / "specimens-landmarks.csv")) == 2


def test_what_is_implausible_is_said_and_repaired_where_asked(cairn, kite_model, picture, tmp_path):
    from dataclasses import replace

    from cairn.shape.plausibility import Plausibility

    model = load(kite_model)
    assert "no plausibility" in cairn("detect", picture, "--model", kite_model, "--repair").err
    model.detector.mean_[1] += (0.0, 0.6)
    model.detector.covariance_[:] *= 0.01
    replace(model, plausibility=Plausibility.fit(draw_kites(60).landmarks)).save(tmp_path / "judged.cairn")
    said = cairn("detect", picture, "--model", "judged.cairn", "--out", "a.csv")
    assert "implausible" in said.out
    assert "right_plausible" in (tmp_path / "a.csv").read_text()
    said = cairn("detect", picture, "--model", "judged.cairn", "--repair", "--out", "b.json")
    assert "1 of them repaired" in said.out
    entry = json.loads((tmp_path / "b.json").read_text())["annotations"][0]
    assert entry["plausible_points"] == [True, False, True, True]
    assert entry["altered"] == [False, True, False, False]
