"""COCO's list of results, written for pycocotools and read with the file of labels beside it."""

import json

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled

RESULT = {"image_id": 1, "category_id": 1, "keypoints": [1, 2, 0.5, 0, 0, 0.1, 5, 6, 0.9], "score": 0.75}


def put(folder, *results):
    path = folder / "results.json"
    path.write_text(json.dumps(results))
    return path


@pytest.fixture
def truth(folder):
    """Labels of two objects in the pictures a and c, as ``labels.json`` beside the pictures."""
    points = np.array([[[1.0, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]])
    data = labelled(folder, points, [0, 2], names=("u", "v", "w"))
    write(data, folder / "labels.json")
    return data


def test_names_and_pictures_come_from_the_labels_beside(folder, truth):
    path = put(folder, RESULT, RESULT | {"image_id": 3, "bbox": [1, 2, 3, 4]})
    assert sniff(path) == "coco_results"
    found = read(path)
    assert found.skeleton.names == ("u", "v", "w")
    assert found.landmarks.image_index.tolist() == [0, 2]
    assert found.landmarks.labelled.tolist() == [[True, False, True]] * 2
    assert found.landmarks.confidence[0].tolist() == [0.5, 0.1, 0.9]
    assert found.landmarks.score.tolist() == [0.75, 0.75]
    assert found.landmarks.boxes.tolist() == [[1, 2, 5, 6], [1, 2, 4, 6]]
    assert [found.images.label(i) for i in range(3)] == [truth.images.label(i) for i in range(3)]


def test_third_numbers_beyond_1_say_nothing(folder, truth):
    found = read(put(folder, RESULT | {"keypoints": [1, 2, 5.5, 3, 4, 1, 5, 6, 1]}))
    assert found.landmarks.confidence is None
    assert found.landmarks.labelled.all()


def test_names_instead_of_numbers(folder):
    found = read(put(folder, RESULT | {"image_id": "c.png"}))
    assert found.images.label(0).endswith("c.png")
    assert found.skeleton.names == ("p0", "p1", "p2")


def test_pycocotools_takes_what_we_write_and_finds_it_right(folder, truth):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    marks = Landmarks(**{**truth.landmarks.__dict__, "score": [0.9, 0.8]})
    assert write(Dataset(truth.images, marks), folder / "results.json", format="coco_results") == []
    theirs = coco.COCO(str(folder / "labels.json"))
    loaded = theirs.loadRes(str(folder / "results.json"))
    assert sorted(a["image_id"] for a in loaded.anns.values()) == [1, 3]
    judge = cocoeval.COCOeval(theirs, loaded, "keypoints")
    judge.params.kpt_oks_sigmas = np.full(3, 0.1)
    judge.params.areaRng = [[0, 1e10]]
    judge.params.areaRngLbl = ["all"]
    judge.evaluate()
    judge.accumulate()
    assert judge.eval["precision"].min() == 1  # every point is where it was
    back = read(folder / "results.json")
    np.testing.assert_array_equal(back.landmarks.points, truth.landmarks.points)
    assert back.landmarks.score.tolist() == [0.9, 0.8]


def test_without_labels_beside_pictures_are_called_by_name_and_it_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [1])
    notes = write(data, folder / "results.json", format="coco_results")
    assert any("COCO's evaluation needs the numbers" in n for n in notes)
    assert json.loads((folder / "results.json").read_text())[0]["image_id"] == "b.png"
    assert read(folder / "results.json").landmarks.points.tolist() == data.landmarks.points.tolist()


def test_what_is_wrong_is_refused(folder, truth):
    with pytest.raises(InputError, match="3 values in 'keypoints'; expected 9"):
        read(put(folder, RESULT | {"keypoints": [1, 2, 3]}))
    with pytest.raises(InputError, match="there is no category with the id 9"):
        read(put(folder, RESULT | {"category_id": 9}))
    with pytest.raises(InputError, match="put the COCO file of labels"):
        read(put(folder, RESULT | {"image_id": 99}))
    (folder / "more.json").write_text((folder / "labels.json").read_text())
    with pytest.raises(InputError, match=r"several files beside it \(labels.json, more.json\)"):
        read(put(folder, RESULT))
    with pytest.raises(InputError, match="expected a list of results"):
        read(put(folder), format="coco_results")
