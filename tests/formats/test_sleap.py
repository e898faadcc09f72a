"""SLEAP's files, written and read by sleap-io itself."""

import contextlib
import shutil

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, same_points, several

sio = pytest.importorskip("sleap_io")

POINTS = np.array([[0.0, 1.5], [2, 3], [4, 5]])


@pytest.fixture
def project(tmp_path):
    """A video of five frames, each of another grey, and three pictures, each of another colour."""
    import cv2

    for i in range(3):
        cv2.imwrite(str(tmp_path / f"i{i}.png"), np.full((20, 30, 3), (10 * i, 50, 200), np.uint8))
    film = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for i in range(5):
        film.write(np.full((24, 32, 3), 20 * i, np.uint8))
    film.release()
    return tmp_path


def labels_of(folder, *, several=True):
    """What a user of SLEAP has: labels, a corrected prediction, another animal's prediction, an empty frame."""
    body = sio.Skeleton(["nose", "left", "right"], edges=[("nose", "left")], symmetries=[("left", "right")], name="m")
    film = sio.Video.from_filename(str(folder / "v.avi"))
    pictures = sio.Video.from_filename([str(folder / f"i{i}.png") for i in range(3)])
    one, two = sio.Track("one"), sio.Track("two")

    def guess(shift, track):
        scores = np.array([0.1, 0.2, 1.25])
        return sio.PredictedInstance.from_numpy(
            POINTS + shift, skeleton=body, point_scores=scores, score=0.5, track=track
        )

    label = sio.Instance.from_numpy(np.where(POINTS == 4, np.nan, POINTS), skeleton=body, track=one)
    label.from_predicted = guess(1, one)
    frames = [sio.LabeledFrame(video=film, frame_idx=3, instances=[label, label.from_predicted, guess(2, two)])]
    if several:
        label = sio.Instance.from_numpy(POINTS, skeleton=body)
        frames.append(sio.LabeledFrame(video=pictures, frame_idx=1, instances=[label]))
        frames.append(sio.LabeledFrame(video=pictures, frame_idx=2, instances=[]))
    return sio.Labels(frames)


@pytest.mark.parametrize("name", ["x.slp", "x.pkg.slp"])
def test_a_project_of_sleap_is_read(project, name):
    labels_of(project).save(str(project / name), embed=True if ".pkg" in name else None, verbose=False)
    assert sniff(project / name) == "sleap"
    found = read(project / name)
    assert found.skeleton.names == ("nose", "left", "right")
    assert found.skeleton.edges == ((0, 1),)
    assert found.skeleton.flip == (0, 2, 1)
    marks = found.landmarks
    assert marks.image_index.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(marks.points[0], [[0, 1.5], [2, 3], [np.nan, np.nan]])
    np.testing.assert_array_equal(marks.points[1], POINTS + 2)
    assert found.columns["predicted"].tolist() == [False, True, False]
    assert found.columns["track"].tolist() == ["one", "two", ""]
    assert marks.track_id.tolist() == [0, 1, -1]
    assert marks.confidence[1].tolist() == [0.1, 0.2, 1]
    assert np.isnan(marks.confidence[0]).all()
    assert marks.score[1] == 0.5
    assert len(found.images) == 3
    assert found.images[2].rgb()[0, 0].tolist() == [200, 50, 20]  # red stays red
    assert abs(int(found.images[0].rgb()[5, 5, 0]) - 60) < 3  # the fourth frame


def test_pictures_in_a_package_are_named_and_found_again(project):
    labels_of(project).save(str(project / "x.pkg.slp"), embed=True, verbose=False)
    for file in ("v.avi", "i0.png", "i1.png", "i2.png"):
        (project / file).unlink()
    found = read(project / "x.pkg.slp")
    assert found.images.sources[2] == Source(str(project / "x.pkg.slp"), frame=2)
    assert found.columns["video"].tolist() == ["v", "v", "i0"]
    write(found, project / "points.csv")
    assert read(project / "points.csv").images[2].rgb()[0, 0].tolist() == [200, 50, 20]
    with pytest.raises(InputError, match="there is no picture 3; the file holds 3"):
        _ = ImageList([Source(str(project / "x.pkg.slp"), frame=3)])[0]


def test_frames_of_one_video_are_places_in_time(project):
    labels_of(project, several=False).save(str(project / "x.slp"), verbose=False)
    assert read(project / "x.slp").frame.tolist() == [3]


@pytest.mark.parametrize("name", ["y.slp", "y.pkg.slp"])
def test_what_we_write_sleap_io_reads(project, name):
    labels_of(project).save(str(project / "x.slp"), verbose=False)
    data = read(project / "x.slp")
    assert write(data, project / name) == []
    labels = sio.load_slp(str(project / name))
    assert [type(i).__name__ for i in labels[0].instances] == ["Instance", "PredictedInstance"]
    np.testing.assert_array_equal(labels[0].instances[0].numpy(), data.landmarks.points[0])
    assert [i.track.name for i in labels[0].instances] == ["one", "two"]
    assert labels.skeleton.edge_inds == [(0, 1)]
    assert labels.skeleton.symmetry_inds == [(1, 2)]
    assert labels[0].frame_idx == 3
    if ".pkg" in name:
        assert labels[1].image[0, 0].tolist() == [200, 50, 10]
        assert labels[0].image.shape[:2] == (24, 32)
    back = read(project / name)
    assert back.landmarks.equals(data.landmarks)


@settings(max_examples=10, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "a.slp") == []
    same_points(read(shared_folder / "a.slp"), data, atol=0)


def test_the_centre_of_the_first_pixel_is_0_in_old_and_new_files(project):
    import h5py

    labels_of(project).save(str(project / "x.slp"), verbose=False)
    with h5py.File(project / "x.slp", "r+") as file:
        file["metadata"].attrs["format_id"] = 1.0
        old = file["instances"][:]
        del file["instances"]
        file["instances"] = old[[n for n in old.dtype.names if n != "tracking_score"]]
    assert read(project / "x.slp").landmarks.points[0, 0].tolist() == [-0.5, 1.0]


def test_tracks_called_by_numbers_keep_them(folder):
    data = labelled(folder, np.arange(12.0).reshape(2, 3, 2), [0, 1], names=("u", "v", "w"))
    marks = Landmarks(**{**data.landmarks.__dict__, "track_id": [7, 3]})
    assert write(marks, folder / "a.slp", images=data.images) == []
    found = read(folder / "a.slp")
    assert found.landmarks.equals(marks)
    assert not found.columns


def test_a_package_holds_pictures_that_come_from_no_file(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 11, 3)).astype(np.uint8)
    body = Skeleton(("u", "v"), flip=(1, 0))
    marks = Landmarks(body, [[[1, 2], [3, 4]]], [[1, 2, 3, 4]], [0])
    assert write(Dataset(ImageList([Image(pixels)]), marks), tmp_path / "a.pkg.slp") == []
    found = read(tmp_path / "a.pkg.slp")
    assert found.landmarks.equals(marks)
    np.testing.assert_array_equal(found.images[0].pixels, pixels)


def test_what_is_lost_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("u", "v"))
    marks = Landmarks(**{**data.landmarks.__dict__, "visibility": [[1, 2]], "boxes": [[0, 0, 9, 9]]})
    lost = " ".join(write(Dataset(data.images, marks, subject=np.array(["ann"])), folder / "a.slp"))
    assert "hidden" in lost
    assert "boxes" in lost
    assert "subjects" in lost


def test_damaged_and_hostile_files_are_refused(project):
    import h5py

    path = project / "x.slp"
    labels_of(project).save(str(path), verbose=False)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), 20):
            bad[at] = rng.integers(256)
        path.write_bytes(bad[: rng.integers(8, len(bad))] if rng.random() < 0.5 else bad)
        with contextlib.suppress(InputError):
            read(path, format="sleap")
    path.write_bytes(good)
    with h5py.File(path, "r+") as file:
        del file["points"]
        file["points"] = h5py.ExternalLink("/etc/passwd", "/points")
    with pytest.raises(InputError, match="'points' leads out of the file"):
        read(path)
    with h5py.File(path, "r+") as file:
        del file["points"]
        file.create_dataset("points", (2**40,), "f8", chunks=(2**20,), compression="gzip")
    with pytest.raises(InputError, match="claims 8,388,608 MB"):
        read(path)


def test_a_video_that_is_not_here_is_named(project):
    labels_of(project).save(str(project / "x.slp"), verbose=False)
    (project / "v.avi").unlink()
    with pytest.raises(InputError, match="there is no picture"):
        read(project / "x.slp")


def test_two_videos_of_one_name_are_not_mixed_up(project):
    body = sio.Skeleton(["a"])
    frames = []
    for folder in ("m1", "m2"):
        video = sio.Video(f"/far/{folder}/v.avi", open_backend=False)
        frames.append(
            sio.LabeledFrame(video=video, frame_idx=1, instances=[sio.Instance.from_numpy(POINTS[:1], skeleton=body)])
        )
    sio.Labels(frames).save(str(project / "x.slp"), verbose=False)
    with pytest.raises(InputError, match=r"'/far/m2/v\.avi' and '/far/m1/v\.avi' are not where they were"):
        read(project / "x.slp")
    for folder in ("m1", "m2"):
        (project / folder).mkdir()
        shutil.copy(project / "v.avi", project / folder)
    assert len(read(project / "x.slp")) == 2


def test_without_sleap_io_one_sentence_says_what_to_install(folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sleap_io", None)
    with pytest.raises(InputError, match=r"pip install 'cairn-landmarks\[sleap\]'"):
        write(labelled(folder, np.ones((1, 1, 2)), [0]), folder / "a.slp")
