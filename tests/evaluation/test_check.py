import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cairn
from cairn.errors import InputError
from cairn.evaluation.checks.findings import KINDS


@pytest.fixture(scope="module")
def spoilt():
    """Sixty good objects, then: object 3 has two points exchanged, 5 a point outside, picture 7 is also picture 60."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("made_labels", Path(__file__).parent / "checks" / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    data = module.made()
    points = data.landmarks.points.copy()
    points[3, [0, 7]] = points[3, [7, 0]]
    points[5, 0] = [-20, 50]
    data = replace(data, landmarks=replace(data.landmarks, points=points))
    images = cairn.ImageList([*data.images, data.images[7]])
    return replace(data, images=images, split=np.array(["train"] * 60 + ["test"]))


def test_each_mistake_is_found_and_nothing_else(spoilt):
    found = cairn.check(spoilt)
    wrong = [(f.kind, f.severity, f.row, f.images) for f in found if f.severity != "note"]
    assert wrong == [
        ("outside_picture", "error", 5, (5,)),
        ("points_exchanged", "error", 3, (3,)),
        ("unlikely_point", "warning", 5, (5,)),
        ("duplicate_picture", "error", None, (7, 60)),
    ]
    assert found.of_kind("points_exchanged")[0].names == ("left_ear", "chin")
    assert found.summary == "60 objects in 61 pictures: 3 errors and 1 warning"


def test_every_kind_has_words_and_the_findings_are_plain_json(spoilt):
    found = cairn.check(spoilt)
    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert said["kinds"]["duplicate_picture"] == 1
    for one in said["findings"]:
        assert one["kind"] in KINDS
        assert one["sentence"]
        assert one["severity"] in ("error", "warning", "note")


def test_the_page_shows_the_pictures_and_needs_no_network(spoilt, tmp_path):
    cairn.check(spoilt, name="mice").save(tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text()
    assert "Check of mice" in page
    assert page.count("data:image/jpeg") >= 4
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_names_of_files_cannot_break_the_page(spoilt, tmp_path):
    from cairn.images import Image, Source

    images = [Image(i.pixels, source=Source(f"/a/<script>{n}.png")) for n, i in enumerate(spoilt.images)]
    cairn.check(replace(spoilt, images=cairn.ImageList(images))).save(tmp_path / "check.html")
    assert "<script>" not in (tmp_path / "check.html").read_text()


def test_a_picture_that_cannot_be_read_is_a_finding_and_the_rest_is_checked(spoilt, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    images = [*spoilt.images]
    images[0] = cairn.images.Source(str(tmp_path / "bad.png"))
    found = cairn.check(replace(spoilt, images=cairn.ImageList(images)))
    assert [f.images for f in found.of_kind("unreadable_picture")] == [(0,)]
    assert found.of_kind("points_exchanged")


def test_data_without_objects_is_refused(spoilt):
    with pytest.raises(InputError, match="nothing to check"):
        cairn.check(spoilt.take([]))


def test_a_few_objects_are_checked_without_shapes(spoilt):
    found = cairn.check(spoilt.take(np.arange(6)))
    assert "few_objects" in found.by_kind()
    assert found.of_kind("outside_picture")


def test_other_endings_are_refused(spoilt, tmp_path):
    with pytest.raises(InputError, match=r"\.html or \.json"):
        cairn.check(spoilt).save(tmp_path / "check.pdf")


@pytest.mark.parametrize("what", ["missing", "one place", "one line", "infinite", "never labelled"])
def test_labels_that_make_no_sense_are_checked_without_a_fault(spoilt, what):
    points = spoilt.landmarks.points.copy()
    if what == "missing":
        points[:] = np.nan
    elif what == "one place":
        points[:] = 7.0
    elif what == "one line":
        points[..., 1] = 0.0
    elif what == "infinite":
        points[::3, 2] = np.inf
    else:
        points[:, 3] = np.nan
    found = cairn.check(replace(spoilt, landmarks=replace(spoilt.landmarks, points=points)))
    assert json.dumps(found.to_json(), allow_nan=False)


def test_the_page_counts_pairs_of_the_same_picture_and_not_their_pictures(spoilt, tmp_path):
    images = cairn.ImageList([*(spoilt.images[i] for i in range(60)), *(spoilt.images[i] for i in range(10, 20))])
    found = cairn.check(replace(spoilt, images=images, split=None))
    assert len(found.of_kind("duplicate_picture")) == 10
    found.save(tmp_path / "check.html")
    assert "Shown are the worst 6 of 10." in (tmp_path / "check.html").read_text()
