"""A mapping that is learnt from objects with two kinds of labels."""

import json

import numpy as np
import pytest

from cairn import Mapping, map_scheme
from cairn.errors import InputError
from cairn.geometry import boxes, transforms
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton

FOUR = Skeleton(("a", "b", "c", "d"), name="four")
THREE = Skeleton(("u", "v", "w"), normalisers={"width": ((0,), (1,))}, name="three")


def twice_labelled(n=60, noise=0.0, seed=0):
    """Quadrilaterals, turned and scaled, and three points on them: two linear in the corners, one their centre."""
    rng = np.random.default_rng(seed)
    square = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    shapes = square + rng.normal(0, 0.1, (n, 4, 2))
    three = np.stack([shapes[:, :2].mean(1), shapes[:, 2:].mean(1), shapes.mean(1)], axis=1)
    maps = np.array(
        [transforms.rotation_about((0, 0), rng.uniform(-3, 3), rng.uniform(5, 20)) for _ in range(n)]
    ) + np.concatenate([np.zeros((n, 2, 2)), rng.uniform(50, 90, (n, 2, 1))], axis=2)
    return landmarks(FOUR, transforms.apply(maps, shapes)), landmarks(
        THREE, transforms.apply(maps, three) + rng.normal(0, noise, three.shape)
    )


def landmarks(skeleton, points):
    return Landmarks(skeleton, points, boxes.around(points), np.arange(len(points)))


def test_a_linear_relation_is_found_whatever_the_place_turn_and_size():
    a, b = twice_labelled()
    mapping = Mapping.fit(a, b)
    new, truth = twice_labelled(20, seed=5)
    assert np.abs(mapping.points(new.points) - truth.points).max() < 0.05
    assert np.nanmean(mapping.error) < 0.002 < np.nanmean(mapping.floor)


def test_the_expected_error_is_what_new_objects_show():
    a, b = twice_labelled(150, noise=1.0)
    mapping = Mapping.fit(a, b)
    new, truth = twice_labelled(2000, noise=1.0, seed=5)
    width = np.linalg.norm(truth.points[:, 0] - truth.points[:, 1], axis=-1)
    shown = np.linalg.norm(mapping.points(new.points) - truth.points, axis=-1) / width[:, None]
    assert np.allclose(mapping.error, shown.mean(0), rtol=0.2)


def test_unrelated_labels_are_not_said_to_be_predictable():
    rng = np.random.default_rng(1)
    a, b = twice_labelled()
    b = landmarks(THREE, b.points[rng.permutation(len(b))] * 0 + rng.normal(0, 20, b.points.shape))
    mapping = Mapping.fit(a, b)
    assert np.nanmean(mapping.error) > 0.8 * np.nanmean(mapping.floor)


def test_points_that_some_objects_lack_are_learnt_from_those_that_have_them():
    a, b = twice_labelled()
    b.points[:25, 2] = np.nan
    a.points[59, 0] = np.nan
    mapping = Mapping.fit(a, b)
    assert mapping.objects == 59
    new, truth = twice_labelled(20, seed=5)
    new.points[3, 1] = np.nan
    found = mapping.apply(new)
    assert not found.labelled[3].any()
    rest = np.arange(20) != 3
    assert np.abs(found.points[rest] - truth.points[rest]).max() < 0.05


def test_a_file_gives_the_same_mapping_and_map_scheme_takes_it(tmp_path):
    a, b = twice_labelled(noise=0.5)
    mapping = Mapping.fit(a, b)
    mapping.save(tmp_path / "four-three.json")
    again = Mapping.load(tmp_path / "four-three.json")
    assert np.abs(again.points(a.points) - mapping.points(a.points)).max() < 1e-5
    assert again.sentences() == mapping.sentences()
    mapped = map_scheme(a, str(tmp_path / "four-three.json"))
    assert mapped.skeleton.equals(THREE)


def test_files_that_are_none_are_refused_in_a_sentence(tmp_path):
    a, b = twice_labelled()
    path = tmp_path / "m.json"
    Mapping.fit(a, b).save(path)
    said = json.loads(path.read_text())
    for broken in (
        "{",
        "[]",
        '{"cairn_mapping": 9}',
        json.dumps(said | {"mean": [[0, 0]]}),
        json.dumps(said | {"slope": None}),
        json.dumps({k: v for k, v in said.items() if k != "target"}),
        path.read_text().replace(str(said["start"][0]), "NaN", 1),
        "[" * 100_000,
    ):
        path.write_text(broken)
        with pytest.raises(InputError, match=r"m\.json"):
            Mapping.load(path)
    with pytest.raises(InputError, match=r"nowhere\.json"):
        Mapping.load(tmp_path / "nowhere.json")


def test_other_objects_or_too_few_are_refused():
    a, b = twice_labelled()
    with pytest.raises(InputError, match="60 objects in one set and 59 in the other"):
        Mapping.fit(a, b.take(np.arange(59)))
    with pytest.raises(InputError, match="5 objects in 5 pictures have both labels; a mapping needs 10 or more"):
        Mapping.fit(a.take(np.arange(5)), b.take(np.arange(5)))
