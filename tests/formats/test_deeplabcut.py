"""DeepLabCut's tables: three or four lines at the head, paths relative to the project."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.images import Source
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several

HEAD = "scorer,Ann,Ann,Ann,Ann\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"


def project(tmp_path, *rows, video="m1", head=HEAD):
    home = tmp_path / "labeled-data" / video
    for i in range(3):
        save_blank(home / f"img{i * 10:03d}.png", 20, 30)
    path = home / "CollectedData_Ann.csv"
    path.write_text(head + "".join(r + "\n" for r in rows))
    return path


def test_paths_are_relative_to_the_project_and_numbers_stand_as_they_are(tmp_path):
    path = project(tmp_path, "labeled-data/m1/img000.png,0,1.5,2,3", "labeled-data/m1/img020.png,4,5,,")
    assert sniff(path) == "deeplabcut"
    found = read(path)
    assert found.skeleton.names == ("nose", "tail")
    assert found.landmarks.points[0].tolist() == [[0, 1.5], [2, 3]]
    assert np.isnan(found.landmarks.points[1, 1]).all()
    assert found.frame.tolist() == [0, 20]
    assert found.images[0].size == (20, 30)


def test_a_path_in_three_columns_and_with_backslashes(tmp_path):
    head = "scorer,,,A,A\nbodyparts,,,nose,nose\ncoords,,,x,y\n"
    path = project(tmp_path, "labeled-data,m1,img000.png,1,2", "labeled-data\\m1\\img010.png,,,3,4", head=head)
    assert read(path).landmarks.points[:, 0].tolist() == [[1, 2], [3, 4]]


def test_a_line_without_points_is_a_picture_without_an_object(tmp_path):
    found = read(project(tmp_path, "labeled-data/m1/img000.png,,,,", "labeled-data/m1/img010.png,1,2,3,4"))
    assert len(found.images) == 2
    assert found.landmarks.image_index.tolist() == [1]


def test_several_animals_are_several_rows(tmp_path):
    head = (
        "scorer,A,A,A,A,A,A\nindividuals,m1,m1,m2,m2,single,single\n"
        "bodyparts,nose,nose,nose,nose,corner,corner\ncoords,x,y,x,y,x,y\n"
    )
    found = read(project(tmp_path, "img000.png,1,2,3,4,9,9", "img010.png,,,5,6,,", head=head))
    assert found.skeleton.names == ("nose", "corner")
    assert found.landmarks.image_index.tolist() == [0, 0, 0, 1]
    assert found.columns["individual"].tolist() == ["m1", "m2", "single", "m2"]
    assert found.landmarks.points[3, 0].tolist() == [5, 6]


def test_likelihood_is_confidence_and_frames_are_those_of_the_video(tmp_path):
    (tmp_path / "run7.mp4").write_bytes(b"video")
    path = tmp_path / "run7DLC_resnet50.csv"
    path.write_text("scorer,D,D,D\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,1,2,0.9\n1,3,4,0.25\n")
    found = read(path)
    assert found.landmarks.confidence[:, 0].tolist() == [0.9, 0.25]
    assert found.images.sources[1] == Source(str(tmp_path / "run7.mp4"), frame=1)
    assert found.frame.tolist() == [0, 1]
    (tmp_path / "run7.mp4").unlink()
    with pytest.raises(InputError, match="numbers frames of a video, and there is none"):
        read(path)


def test_all_videos_of_a_project_are_one_data_set(tmp_path):
    project(tmp_path, "labeled-data/m1/img000.png,1,2,3,4")
    project(tmp_path, "labeled-data/m2/img000.png,5,6,7,8", video="m2")
    found = read(tmp_path)
    assert sniff(tmp_path) == "deeplabcut"
    assert found.columns["video"].tolist() == ["m1", "m2"]
    assert found.landmarks.points[:, 0].tolist() == [[1, 2], [5, 6]]


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    rows = [r for r in rows if np.isfinite(r[1]).any()]
    if not rows:
        return
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "dlc.csv", format="deeplabcut") == []
    assert sniff(shared_folder / "dlc.csv") == "deeplabcut"
    same_points(read(shared_folder / "dlc.csv"), data, atol=0)


def test_predictions_come_back_with_their_confidence(folder):
    data = labelled(folder, np.arange(12.0).reshape(3, 2, 2), [0, 1, 2], names=("u", "v"))
    marks = Landmarks(**{**data.landmarks.__dict__, "confidence": np.linspace(0, 1, 6).reshape(3, 2)})
    assert write(marks, folder / "out.csv", format="deeplabcut", images=pictures_of(folder)) == []
    assert read(folder / "out.csv").landmarks.equals(marks)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("img000.png,1,2,3", r"line 4: 4 cells; expected 5"),
        ("img000.png,1,2,3,x", r"line 4: 'x' is not a number"),
        ("img999.png,1,2,3,4", r"line 4: there is no picture 'img999.png'; looked in "),
        ("../img000.png,1,2,3,4", r"line 4: the picture '../img000.png' leaves the folder"),
        ("img000.png,1,2,3,4\nimg000.png,1,2,3,4", r"line 5: the picture 'img000.png' stands on line 4 too"),
        ("", r"has a head and no rows"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row, message):
    with pytest.raises(InputError, match=message) as error:
        read(project(tmp_path, row))
    assert "CollectedData_Ann.csv" in str(error.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("scorer,A,A\nbodyparts,nose,nose\n", r"no line 'coords'"),
        ("scorer,A,A\nbodyparts,nose\ncoords,x,y\n", r"differ in length"),
        ("scorer,A,A\nbodyparts,nose,nose\ncoords,x,x\n", r"stands twice"),
        ("scorer,A,A\nbodyparts,nose,tail\ncoords,x,y\n", r"has no x or no y"),
        ("scorer,A,A\nbodyparts,nose,nose\ncoords,x,q\n", r"column 3 is 'q'"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path, head, message):
    with pytest.raises(InputError, match=message):
        read(project(tmp_path, "img000.png,1,2", head=head))


def test_openfield4(shared_data):
    for path in ("openfield4", "openfield4/labeled-data/m4s1/CollectedData_Pranav.csv"):
        found = read(shared_data / path)
        assert found.landmarks.points.shape == (116, 4, 2)
        assert found.skeleton.name == "openfield4"
        assert found.landmarks.points[0, 0].tolist() == [21.521, 265.428]
        assert len(np.unique(found.frame)) == 116
