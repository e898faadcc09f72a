"""DeepLabCut's HDF5 files, written by pandas as DeepLabCut does, and several animals in either kind of file."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.images import ImageList, Source
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, same_points, save_blank, several

h5py = pytest.importorskip("h5py")
pd = pytest.importorskip("pandas")
pytest.importorskip("tables")


def frame_of(index, animals=("m1", "m2"), coords=("x", "y")):
    """A frame with the numbers 0, 1, 2, ... row by row, but for one that is missing."""
    levels = [["Ann"], list(animals), ["nose", "tail"], list(coords)]
    names = ["scorer", "individuals", "bodyparts", "coords"]
    if not animals:
        del levels[1], names[1]
    columns = pd.MultiIndex.from_product(levels, names=names)
    values = np.arange(float(len(index) * len(columns))).reshape(len(index), -1)
    values[1, 3] = np.nan
    return pd.DataFrame(values, columns=columns, index=index)


def save(frame, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_hdf(path, key="df_with_missing", mode="w", **options)


@pytest.fixture
def project(tmp_path):
    for i in range(3):
        save_blank(tmp_path / "labeled-data" / "v1" / f"img{i}.png", 20, 30)
    return tmp_path / "labeled-data" / "v1"


IN_THREE = pd.MultiIndex.from_tuples([("labeled-data", "v1", f"img{i}.png") for i in range(3)])
IN_ONE = [f"labeled-data/v1/img{i}.png" for i in range(3)]


@pytest.mark.parametrize(("index", "options"), [(IN_THREE, {}), (IN_ONE, {}), (IN_ONE, {"format": "table"})])
def test_labels_of_several_animals_are_read(project, index, options):
    save(frame_of(index), project / "CollectedData_Ann.h5", **options)
    assert sniff(project / "CollectedData_Ann.h5") == "deeplabcut"
    found = read(project / "CollectedData_Ann.h5")
    assert found.skeleton.names == ("nose", "tail")
    assert found.landmarks.image_index.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.landmarks.points[1].tolist() == [[4, 5], [6, 7]]
    assert np.isnan(found.landmarks.points[2, 1]).all()
    assert found.columns["individual"].tolist() == ["m1", "m2"] * 3
    assert found.landmarks.track_id.tolist() == [0, 1] * 3
    assert read(project.parent.parent).landmarks.equals(found.landmarks)


@pytest.mark.parametrize("options", [{}, {"format": "table"}])
def test_predictions_about_a_video_are_read(tmp_path, options):
    (tmp_path / "run7.mp4").write_bytes(b"video")
    frame = frame_of(range(3), animals=(), coords=("x", "y", "likelihood")) / 100
    save(frame, tmp_path / "run7DLC_resnet50.h5", **options)
    found = read(tmp_path / "run7DLC_resnet50.h5")
    assert found.images.sources[2] == Source(str(tmp_path / "run7.mp4"), frame=2)
    assert found.landmarks.confidence[0].tolist() == [0.02, 0.05]
    assert found.frame.tolist() == [0, 1, 2]
    assert not found.columns


def test_numbers_of_other_kinds_and_columns_in_another_order_are_read(project):
    frame = frame_of(IN_ONE, animals=())
    frame.insert(0, ("Ann", "ear", "x"), [1, 2, 3])
    frame.insert(3, ("Ann", "ear", "y"), [4, 5, 6])
    save(frame, project / "CollectedData_Ann.h5")
    found = read(project / "CollectedData_Ann.h5")
    assert found.skeleton.names == ("ear", "nose", "tail")
    assert found.landmarks.points[1, 0].tolist() == [2, 5]
    assert found.landmarks.points[0, 1].tolist() == [0, 1]


@settings(max_examples=10, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    rows = [r for r in rows if np.isfinite(r[1]).any()]
    if not rows:
        return
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "v", "w"))
    assert write(data, shared_folder / "dlc.h5") == []
    same_points(read(shared_folder / "dlc.h5"), data, atol=0)


def test_pandas_reads_what_was_written(project):
    data = labelled(project, np.arange(12.0).reshape(2, 3, 2), [0, 0], names=("u", "v", "w"))
    data = type(data)(ImageList([project / "img1.png"]), data.landmarks)
    assert write(data, project / "CollectedData_cairn.h5") == []
    frame = pd.read_hdf(project / "CollectedData_cairn.h5")
    assert frame.columns.names == ["scorer", "individuals", "bodyparts", "coords"]
    assert frame.index.tolist() == [("labeled-data", "v1", "img1.png")]
    assert frame["cairn"]["individual2"]["u"].to_numpy().tolist() == [[6, 7]]


@pytest.mark.parametrize("target", ["CollectedData_a.csv", "CollectedData_a.h5"])
def test_animals_and_tracks_keep_their_names(folder, target):
    data = labelled(folder, np.arange(18.0).reshape(3, 3, 2), [0, 0, 2], names=("u", "v", "w"))
    tracked = Landmarks(**{**data.landmarks.__dict__, "track_id": [4, 1, 4]})
    assert write(tracked, folder / target, format="deeplabcut", images=data.images) == []
    found = read(folder / target)
    assert found.landmarks.track_id[found.landmarks.points[:, 0, 0].argsort()].tolist() == [4, 1, 4]
    assert set(found.columns["individual"]) == {"individual2", "individual5"}
    again = read(folder / target)
    assert write(again, folder / "again.csv", format="deeplabcut") == []
    assert read(folder / "again.csv").equals(again)


def test_sleap_io_reads_several_animals_of_ours(project):
    sio = pytest.importorskip("sleap_io")
    data = labelled(project, np.arange(12.0).reshape(2, 3, 2), [0, 0], names=("u", "v", "w"))
    data = type(data)(ImageList([project / "img1.png"]), data.landmarks)
    write(data, project / "CollectedData_cairn.csv", format="deeplabcut")
    (frame,) = sio.load_file(str(project / "CollectedData_cairn.csv"), format="dlc")
    assert [i.numpy().tolist() for i in frame.instances] == data.landmarks.points.tolist()
    assert [i.track.name for i in frame.instances] == ["individual1", "individual2"]


class TestLightningPose:
    HEAD = (
        "scorer,Unnamed: 1_level_0,b,c,b,b,c\nbodyparts,nose,nose,nose,tail,tail,tail\n"
        "coords,x,y,likelihood,x,y,likelihood\n"
    )

    def test_labels(self, folder):
        (folder / "CollectedData.csv").write_text(
            "scorer,rick,rick\nbodyparts,paw,paw\ncoords,x,y\na.png,77.25,36.25\nb.png,,\n"
        )
        assert sniff(folder / "CollectedData.csv") == "deeplabcut"
        found = read(folder / "CollectedData.csv")
        assert found.landmarks.points.tolist() == [[[77.25, 36.25]]]
        assert len(found.images) == 2

    def test_predictions_about_labels_name_the_split(self, folder):
        head = (
            self.HEAD.replace("0,b,c,b,b,c\n", "0,b,c,b,b,c,set\n")
            .replace("tail\n", "tail,\n")
            .replace("hood\n", "hood,\n")
        )
        (folder / "predictions.csv").write_text(head + "a.png,1,2,0.5,3,4,0.25,train\nb.png,1,2,0.5,3,4,0.25,val\n")
        found = read(folder / "predictions.csv")
        assert found.split.tolist() == ["train", "val"]
        assert found.landmarks.confidence[0].tolist() == [0.5, 0.25]
        assert found.split_by == "predictions.csv"

    def test_predictions_about_a_video_find_it_in_videos_or_where_it_is_said_to_be(self, tmp_path):
        (tmp_path / "video_preds").mkdir()
        (tmp_path / "videos").mkdir()
        (tmp_path / "video_preds" / "run.csv").write_text(self.HEAD + "0,1,2,0.5,3,4,0.25\n1,1,2,0.5,3,4,0.25\n")
        with pytest.raises(InputError, match="numbers frames of a video"):
            read(tmp_path / "video_preds" / "run.csv")
        (tmp_path / "videos" / "run.mp4").write_bytes(b"video")
        found = read(tmp_path / "video_preds" / "run.csv")
        assert found.images.sources[1] == Source(str(tmp_path / "videos" / "run.mp4"), frame=1)
        (tmp_path / "videos").rename(tmp_path / "films")
        assert len(read(tmp_path / "video_preds" / "run.csv", pictures=tmp_path / "films")) == 2

    def test_columns_about_an_ensemble_are_passed_over(self, folder):
        text = "scorer,e,e,e,e\nbodyparts,n,n,n,n\ncoords,x,y,x_ens_var,y_ens_var\na.png,1,2,3,4\n"
        (folder / "eks.csv").write_text(text)
        assert read(folder / "eks.csv").landmarks.points.tolist() == [[[1, 2]]]


def test_predictions_about_a_video_are_numbered_again(tmp_path):
    (tmp_path / "run.mp4").write_bytes(b"video")
    (tmp_path / "runDLC.csv").write_text("scorer,D,D\nbodyparts,n,n\ncoords,x,y\n3,1,2\n7,3,4\n")
    data = read(tmp_path / "runDLC.csv")
    assert write(data, tmp_path / "run_cairn.csv", format="deeplabcut") == []
    assert "\n3,1.0,2.0\n" in (tmp_path / "run_cairn.csv").read_text()
    assert read(tmp_path / "run_cairn.csv").equals(data)


def test_what_stands_in_a_file_is_never_run(project):
    import os
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(project / "it_ran"),)

    path = project / "CollectedData_Ann.h5"
    save(frame_of(IN_ONE), path, format="table")
    with h5py.File(path, "r+") as file:
        for where in (file["df_with_missing"], file["df_with_missing/table"]):
            for name in list(where.attrs):
                if name.startswith(("values_block", "non_index", "info")):
                    where.attrs[name] = np.bytes_(pickle.dumps(Bomb(), 0))
    with pytest.raises(InputError, match="not plain text"):
        read(path)
    assert not (project / "it_ran").exists()


def test_damaged_files_are_refused(project):
    path = project / "CollectedData_Ann.h5"
    for options in ({}, {"format": "table"}):
        save(frame_of(IN_ONE), path, **options)
        good = path.read_bytes()
        rng = np.random.default_rng(0)
        for _ in range(40):
            bad = bytearray(good)
            for at in rng.integers(0, len(bad), 30):
                bad[at] = rng.integers(256)
            path.write_bytes(bad[: rng.integers(8, len(bad))] if rng.random() < 0.3 else bad)
            with contextlib.suppress(InputError):
                read(path, format="deeplabcut")
    save(frame_of(IN_ONE), path)
    with h5py.File(path, "r+") as file:
        del file["df_with_missing/block0_values"]
        file["df_with_missing"].create_dataset("block0_values", (2**20, 2**20), "f8", chunks=(1024, 1024))
    with pytest.raises(InputError, match="claims 8,388,608 MB"):
        read(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="has no frame 'df_with_missing'"):
        read(path)


def test_without_the_libraries_one_sentence_says_what_to_install(project, monkeypatch):
    import sys

    save(frame_of(IN_ONE), project / "CollectedData_Ann.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"pip install 'cairn-landmarks\[h5\]'"):
        read(project / "CollectedData_Ann.h5")
    with pytest.raises(InputError, match=r"pip install 'cairn-landmarks\[h5\]'"):
        write(labelled(project, np.ones((1, 1, 2)), [0]), project / "a.h5")
