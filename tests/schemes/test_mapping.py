"""68 points to others by rule: what is exact, what is interpolated, what stays empty."""

from dataclasses import replace

import numpy as np
import pytest

from cairn import map_scheme
from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.schemes import scheme
from cairn.schemes.mapping import along_curve, map_between
from cairn.schemes.rules import RULES
from cairn.skeleton import Skeleton


def faces(n=3, name="face68", seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (n, len(scheme(name)), 2))
    return Landmarks(scheme(name), points, boxes.around(points), np.arange(n))


def test_68_to_5_is_the_mean_of_each_eyes_six_points_the_nose_tip_and_the_mouths_corners():
    marks = faces()
    p = marks.points
    by_hand = np.stack([p[:, 36:42].mean(1), p[:, 42:48].mean(1), p[:, 30], p[:, 48], p[:, 54]], axis=1)
    five = map_scheme(marks, "face5")
    assert five.skeleton.name == "face5"
    assert np.allclose(five.points, by_hand, atol=1e-12)
    assert np.array_equal(five.boxes, marks.boxes)


def test_68_to_51_leaves_the_jaw_out_and_51_to_5_is_as_68_to_5():
    marks = faces()
    inner = map_scheme(marks, "face51")
    assert np.array_equal(inner.points, marks.points[:, 17:])
    assert np.array_equal(map_scheme(inner, "face5").points, map_scheme(marks, "face5").points)


def test_every_rule_speaks_of_points_that_exist_and_keeps_sides():
    for (source, target), rules in RULES.items():
        route = map_between(scheme(source), target)
        for name, rule in rules.items():
            assert name in route.target.names, (source, target, name)
            assert set(rule.points) <= set(route.source.names), (source, target, name)


@pytest.mark.parametrize("pair", RULES, ids="-".join)
def test_mirroring_before_or_after_mapping_is_the_same(pair):
    source, target = (scheme(name) for name in pair)
    points = faces(name=pair[0]).points
    route = map_between(source, target)

    def mirror(p, skeleton):
        return p[:, list(skeleton.flip)] * (-1, 1)

    after = mirror(route.points(points), target)
    assert np.allclose(route.points(mirror(points, source)), after, equal_nan=True, atol=1e-6)


def test_pupils_cannot_be_had_from_lids_and_a_sentence_says_so():
    route = map_between(scheme("face68"), "face98")
    mapped = route.apply(faces())
    empty = [n for n, there in zip(mapped.skeleton.names, mapped.labelled[0], strict=True) if not there]
    assert {"right_pupil", "left_pupil", "right_brow_lower_middle"} <= set(empty)
    assert len(empty) == 10
    assert any(s.startswith("10 cannot be had from these points and stay empty: ") for s in route.sentences())


def test_points_on_a_circle_come_back_on_the_circle_equally_far_apart():
    angle = np.linspace(0, np.pi, 17)
    jaw = 50 * np.stack([-np.cos(angle), np.sin(angle)], axis=-1)[None]
    finer = along_curve(jaw, np.arange(33) / 32)
    assert np.allclose(np.linalg.norm(finer, axis=-1), 50, atol=5e-3)
    assert np.allclose(finer[:, ::2], jaw, atol=0.01)
    steps = np.linalg.norm(np.diff(finer[0], axis=0), axis=-1)
    assert np.ptp(steps) < 0.01 * steps.mean()


def test_a_curve_with_a_missing_point_is_missing_and_one_without_length_is_its_point():
    two = np.stack([np.full((5, 2), 3.0), np.arange(10.0).reshape(5, 2)])
    two[1, 2] = np.nan
    placed = along_curve(two, np.array([0.0, 0.4]))
    assert np.allclose(placed[0], 3)
    assert np.isnan(placed[1]).all()


def test_the_said_error_of_curves_is_small_on_a_smooth_face_and_large_on_noise():
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    smooth = faces(1)
    smooth = replace(smooth, points=50 * np.stack([np.cos(angle), np.sin(angle)], -1)[None])
    route = map_between(scheme("face68"), "face98")
    assert route.curve_error(smooth.points)[0] < 0.5
    assert route.curve_error(faces(1).points)[0] > 3
    assert "expected error at most" in route.sentences(smooth)[1]


def test_a_missing_point_takes_only_what_is_made_of_it():
    marks = faces(1)
    marks.points[0, 37] = np.nan
    five = map_scheme(marks, "face5")
    assert five.labelled.tolist() == [[False, True, True, True, True]]


def test_confidence_is_the_least_and_a_hidden_part_hides_the_whole():
    marks = faces(1)
    confidence, seen = np.full((1, 68), 0.9), np.full((1, 68), 2)
    confidence[0, 40], seen[0, 43] = 0.3, 1
    covariance = np.tile(np.eye(2), (1, 68, 1, 1))
    five = map_scheme(replace(marks, confidence=confidence, visibility=seen, covariance=covariance), "face5")
    assert five.confidence.tolist() == [[0.3, 0.9, 0.9, 0.9, 0.9]]
    assert five.visibility.tolist() == [[2, 1, 2, 2, 2]]
    assert np.array_equal(five.covariance[0, 0], np.eye(2))


def test_a_data_set_keeps_its_pictures_and_its_observers_are_mapped_too():
    marks = faces(2)
    data = Dataset(ImageList([Image(np.zeros((9, 9), np.uint8))] * 2), marks, observers=np.stack([marks.points] * 2))
    mapped = map_scheme(data, "face5")
    assert len(mapped.images) == 2
    assert np.array_equal(mapped.observers[1], mapped.landmarks.points)


def test_points_without_names_are_named_on_the_users_word():
    marks = faces(2, "face98")
    bare = replace(marks, skeleton=Skeleton.anonymous(98))
    with pytest.raises(InputError, match="nothing of face68 is in these 98 points: they have no names; say which"):
        map_scheme(bare, "face68")
    told = map_scheme(bare, "face68", source="face98")
    assert np.array_equal(told.points, map_scheme(marks, "face68").points, equal_nan=True)
    with pytest.raises(InputError, match="face106 has 106 points; these have 98"):
        map_scheme(bare, "face68", source="face106")


def test_schemes_that_share_nothing_are_refused():
    with pytest.raises(InputError, match="nothing of hand21 is in face68"):
        map_scheme(faces(), "hand21")
    with pytest.raises(InputError, match="no scheme 'face69'"):
        map_scheme(faces(), "face69")


def test_real_faces_keep_their_eyes_apart_and_their_curves_known(shared_data):
    from cairn.formats import read

    data = read(shared_data / "faces68")
    marks = data.of_split("train").landmarks.take(np.arange(40))
    route = map_between(marks.skeleton, "face98")
    apart = np.linalg.norm(marks.points[:, 36] - marks.points[:, 45], axis=-1)
    assert (route.curve_error(marks.points) / apart).mean() < 0.03
    five = map_scheme(marks, "face5").points
    ratio = np.linalg.norm(five[:, 0] - five[:, 1], axis=-1) / apart
    assert 0.6 < ratio.min() < ratio.max() < 0.8
