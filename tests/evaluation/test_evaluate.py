from dataclasses import replace

import numpy as np
import pytest

from cairn.calibration.confidence import Calibration
from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Finder, State
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.evaluation.evaluate import evaluate
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.skeleton import Skeleton

nan = np.nan
EYES = Skeleton(names=("left", "right", "mouth"), normalisers={"inter_ocular": ((0,), (1,))})
UNIT = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]])  # of the box


class InBox(Detector):
    """The three points at their places in the box, `off` px too far right; a box that is NaN gives nothing."""

    def __init__(self, off=0.0, skeleton=EYES, figures=True):
        self.off, self.skeleton, self.figures = off, skeleton, figures

    def fit(self, dataset, *, validation=None, run=None):
        return self

    def predict(self, images, boxes, *, init=None):
        index = np.repeat(np.arange(len(boxes)), [len(b) for b in boxes])
        flat = np.concatenate([np.reshape(b, (-1, 4)) for b in boxes])
        points = flat[:, None, :2] + UNIT * (flat[:, 2:] - flat[:, :2])[:, None] + [self.off, 0]
        sure = np.where(np.isfinite(points).all(-1), 0.9, 0) if self.figures else None
        return Landmarks(self.skeleton, points, flat, index, confidence=sure)

    def state(self):
        return State({}, {}, {})

    from_state = classmethod(lambda cls, state: cls())


class Listed(Finder):
    """Boxes and scores by the number of the picture, which is written into its first pixel."""

    def __init__(self, boxes, scores):
        self.boxes, self.scores = boxes, scores

    def fit(self, dataset, *, validation=None, run=None):
        return self

    def predict(self, images):
        return [(self.boxes[i], self.scores[i]) for i in (int(image.pixels[0, 0]) for image in images)]

    def state(self):
        return State({}, {}, {})

    from_state = classmethod(lambda cls, state: cls([], []))


def pictures(count):
    images = []
    for i in range(count):
        pixels = np.full((200, 300), 128, np.uint8)
        pixels[0, 0] = i
        images.append(Image(pixels))
    return images


def data(count=20, skeleton=EYES, **other):
    """One object of 100 x 100 px a picture, whose points lie exactly at their places in the box."""
    corner = np.stack([np.arange(count) + 10.0, np.full(count, 20.0)], axis=1)
    boxes = np.concatenate([corner, corner + 100], axis=1)
    points = corner[:, None] + UNIT * 100
    return Dataset(ImageList(pictures(count)), Landmarks(skeleton, points, boxes, np.arange(count)), **other)


def test_an_exact_model_is_perfect():
    report = evaluate(Model(InBox(), EYES), data())
    expected = {"nme": 0, "failure": 0, "auc": 1, "missed": 0, "mre": 0, "pck": 1}
    assert {m: report.score(m).value for m in expected} == expected
    assert report.n == 20
    assert report.seconds_per_item > 0


def test_figures_by_hand():
    # 5 px off: 5 % of 100 px between the eyes and of the box's side; AUC at 8 % is 3/8
    report = evaluate(Model(InBox(5), EYES), data())
    assert report.score("nme", "inter_ocular").value == pytest.approx(5)
    assert report.score("nme", "box_size").value == pytest.approx(5)
    assert report.score("nme", "box_diagonal").value == pytest.approx(5 / np.sqrt(2))
    assert report.score("mre").value == pytest.approx(5)
    assert report.score("mre").unit == "px"
    assert report.score("failure").value == 0
    assert report.score("auc").value == pytest.approx(3 / 8)
    assert evaluate(Model(InBox(9), EYES), data()).score("failure").value == 100


def test_every_score_says_what_it_is():
    report = evaluate(Model(InBox(5), EYES), data(split=np.array(["train"] * 8 + ["test"] * 12)), split="test")
    assert report.n == 12
    for score in report:
        assert (score.boxes, score.split, score.n) == ("given", "test", 12)
        assert score.unit
        assert score.low <= score.value <= score.high or score.metric in ("auroc", "rank_correlation")
    assert report.scores[0].normaliser == "inter_ocular"


def test_millimetres_where_the_spacing_is_known():
    report = evaluate(Model(InBox(12), EYES), data(spacing=(0.2, 0.2)))  # 2.4 mm
    assert (report.score("mre").value, report.score("mre").unit) == (pytest.approx(2.4), "mm")
    found = {s.normaliser: s.value for s in report if s.metric == "sdr"}
    assert found == {"2 mm": 0, "2.5 mm": 1, "3 mm": 1, "4 mm": 1}
    assert report.cases.unit == "mm"


def test_interval_is_over_subjects():
    alone = evaluate(Model(InBox(5), EYES), half_off(data())).score("nme")
    pairs = half_off(data(subject=np.repeat([f"s{i}" for i in range(10)], 2)))
    paired = evaluate(Model(InBox(5), EYES), pairs).score("nme")
    assert paired.value == alone.value
    assert paired.high - paired.low > 1.2 * (alone.high - alone.low)


def half_off(dataset):
    """The second half of the objects labelled where the model of 5 px is exact."""
    points = dataset.landmarks.points.copy()
    points[10:] += [5, 0]
    return replace(dataset, landmarks=replace(dataset.landmarks, points=points))


def test_pck_names_the_torso_where_there_is_one():
    torso = replace(EYES, normalisers={"torso": ((0,), (2,))})
    score = evaluate(Model(InBox(5), torso), data(skeleton=torso)).score("pck")
    assert score.normaliser == "0.2 of torso"
    assert evaluate(Model(InBox(5), EYES), data()).score("pck").normaliser == "0.1 of box_size"


def test_oks_where_there_are_sigmas():
    # area 10^4 px^2, sigma 0.05: 10 px off is exp(-1/2) = 0.607 for every point, right at 3 of 10 thresholds
    known = replace(EYES, sigmas=(0.05, 0.05, 0.05))
    assert evaluate(Model(InBox(10, known), known), data(skeleton=known)).score("oks_ap").value == pytest.approx(0.3)
    with pytest.raises(KeyError):
        evaluate(Model(InBox(10), EYES), data()).score("oks_ap")


def test_points_without_a_label_do_not_count_and_missed_ones_are_said():
    dataset = data()
    points, boxes = dataset.landmarks.points.copy(), dataset.landmarks.boxes.copy()
    points[0, 2] = nan
    points[1] = nan
    boxes[2] = nan  # the detector gives nothing there
    dataset = replace(dataset, landmarks=replace(dataset.landmarks, points=points, boxes=boxes))
    report = evaluate(Model(InBox(5), EYES), dataset)
    assert (report.score("nme").n, report.score("nme").value) == (18, pytest.approx(5))
    assert (report.score("missed").n, report.score("missed").value) == (19, pytest.approx(100 / 19))
    assert report.score("failure").value == pytest.approx(100 / 19)
    assert np.isinf(report.cases.errors[2])
    assert np.isnan(report.cases.errors[1])


def test_confidence_is_judged():
    report = evaluate(Model(InBox(3), EYES), data())  # all right at 5 %, and 0.9 said
    assert report.score("ece").value == pytest.approx(0.1)
    assert report.score("ece").normaliser == "5 % of inter_ocular"
    assert np.isnan(report.score("auroc").value)
    with pytest.raises(KeyError):
        evaluate(Model(InBox(3, figures=False), EYES), data()).score("ece")


def test_calibration_of_the_model_is_what_is_judged():
    dataset = data(200)
    detector = InBox(3)
    raw = detector.predict(dataset.images, dataset.boxes)
    calibration = Calibration.fit(raw, dataset.landmarks)
    assert evaluate(Model(detector, EYES, calibration=calibration), dataset).score("ece").value < 0.02


def test_a_box_outside_of_its_picture_is_left_out_and_said():
    dataset = data()
    boxes = dataset.landmarks.boxes.copy()
    boxes[3] += 5000
    report = evaluate(Model(InBox(5), EYES), replace(dataset, landmarks=replace(dataset.landmarks, boxes=boxes)))
    assert report.n == 19
    assert len(report.warnings) == 1
    assert "outside of the picture" in report.warnings[0]


def test_found_boxes_recall_misses_and_false_boxes():
    dataset = data()
    boxes = [np.concatenate([b, b + 500]) for b in dataset.boxes]  # each face, and a false box beside it
    scores = [np.array([0.5, 0.9])] * 20
    boxes[3], scores[3] = boxes[3][:0], scores[3][:0]
    report = evaluate(Model(InBox(5), EYES, finder=Listed(boxes, scores)), dataset, boxes="found")
    assert report.score("recall", "IoU 0.5").value == pytest.approx(19 / 20)
    assert report.score("false_boxes").value == pytest.approx(19 / 20)
    assert report.score("nme").value == pytest.approx(5)
    assert report.score("nme").n == 19
    assert report.score("missed").value == pytest.approx(5)
    assert report.score("failure").value == pytest.approx(5)
    assert report.score("pck").value == pytest.approx(19 / 20)
    assert {s.boxes for s in report} == {"found"}
    assert np.isnan(report.cases.predicted.points[3]).all()
    assert np.allclose(report.cases.predicted.points[4], dataset.landmarks.points[4] + [5, 0])


def test_pictures_without_an_object_count_for_false_boxes():
    dataset = data(2)
    dataset = replace(dataset, landmarks=dataset.landmarks.take([0]))
    box = dataset.boxes[0]
    report = evaluate(Model(InBox(), EYES, finder=Listed([box, box], [np.ones(1)] * 2)), dataset, boxes="found")
    assert (report.score("false_boxes").value, report.score("false_boxes").n) == (0.5, 2)
    assert report.score("recall").value == 1


def test_several_objects_a_picture_in_any_order():
    dataset = data(6)
    marks = dataset.landmarks.take([4, 1, 0, 5, 2, 3])
    shifted = replace(marks, boxes=marks.boxes + 60 * (marks.image_index % 2)[:, None],
                      points=marks.points + 60 * (marks.image_index % 2)[:, None, None])  # fmt: skip
    dataset = Dataset(ImageList(pictures(3)), shifted.with_image_index(marks.image_index // 2))
    assert evaluate(Model(InBox(5), EYES), dataset).score("nme").value == pytest.approx(5)
    boxes = [b[::-1] for b in dataset.boxes]
    found = evaluate(Model(InBox(5), EYES, finder=Listed(boxes, [np.ones(2)] * 3)), dataset, boxes="found")
    assert (found.score("nme").value, found.score("recall").value) == (pytest.approx(5), 1)


def test_a_finder_that_finds_nothing_has_missed_all():
    nothing = Listed([np.empty((0, 4))] * 20, [np.empty(0)] * 20)
    report = evaluate(Model(InBox(), EYES, finder=nothing), data(), boxes="found")
    assert report.score("recall").value == 0
    assert report.score("failure").value == 100
    assert (report.score("nme").n, np.isnan(report.score("nme").value)) == (0, True)
    assert report.to_json()["scores"][0]["value"] is None


def test_a_model_of_the_whole_picture_needs_no_overlap():
    report = evaluate(Model(InBox(), EYES, finder=WholeImage()), data(), boxes="found")
    assert report.score("recall", "whole picture").value == 1
    assert report.score("missed").value == 0


def test_points_in_another_order_are_matched_by_name():
    shuffled = Skeleton(names=("mouth", "left", "right"), normalisers={"eyes": ((1,), (2,))})
    dataset = data()
    marks = Landmarks(shuffled, dataset.landmarks.points[:, [2, 0, 1]], dataset.landmarks.boxes, np.arange(20))
    dataset = replace(dataset, landmarks=marks)
    assert evaluate(Model(InBox(5), EYES), dataset).score("nme").value == pytest.approx(5)
    bare = Skeleton(names=EYES.names)
    assert evaluate(Model(InBox(5, bare), bare), dataset).score("nme", "eyes").value == pytest.approx(5)


def test_other_points_are_refused_by_name():
    other = Skeleton(names=("left", "right", "chin", "brow"))
    marks = Landmarks(other, np.zeros((1, 4, 2)), np.array([[0, 0, 9, 9]]), [0])
    with pytest.raises(InputError, match="mouth only in the model, chin, brow only in the data"):
        evaluate(Model(InBox(), EYES), Dataset(ImageList(pictures(1)), marks))


def test_nothing_to_measure_is_said():
    empty = Dataset(ImageList([]), Landmarks.empty(EYES))
    with pytest.raises(InputError, match="no rows"):
        evaluate(Model(InBox(), EYES), empty)
    dataset = data(3)
    unlabelled = replace(dataset, landmarks=replace(dataset.landmarks, points=dataset.landmarks.points * nan))
    with pytest.raises(InputError, match="no labelled point"):
        evaluate(Model(InBox(), EYES), unlabelled)


def test_a_split_that_is_not_there_is_said():
    with pytest.raises(InputError, match="no split 'test'"):
        evaluate(Model(InBox(), EYES), data(), split="test")


def test_found_boxes_need_a_finder():
    with pytest.raises(InputError, match="no finder"):
        evaluate(Model(InBox(), EYES), data(), boxes="found")
    with pytest.raises(InputError, match="'guessed'"):
        evaluate(Model(InBox(), EYES), data(), boxes="guessed")


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    dataset = data(5)
    images = list(dataset.images.sources)
    images[2] = Source(str(broken))
    report = evaluate(Model(InBox(5), EYES), replace(dataset, images=ImageList(images)))
    assert report.n == 4
    assert report.score("nme").value == pytest.approx(5)
    assert "broken.jpg" in report.warnings[0]
    with pytest.raises(InputError, match=r"broken\.jpg"):
        evaluate(Model(InBox(), EYES), replace(data(1), images=ImageList([Source(str(broken))])))


def test_the_same_seed_gives_the_same_report():
    once, twice = (evaluate(Model(InBox(5), EYES), half_off(data()), seed=3).to_json() for _ in range(2))
    assert once["scores"] == twice["scores"]


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="the seed -1 is negative"):
        evaluate(Model(InBox(5), EYES), data(), seed=-1)


def test_scores_are_the_means_of_the_cases_that_stand_beside_them():
    report = evaluate(Model(InBox(5), EYES), half_off(data()))
    cases = report.cases
    assert len(cases) == report.n == 20
    assert report.score("nme").value == pytest.approx(100 * cases.errors.mean())
    assert np.allclose(cases.relative.mean(axis=1), cases.errors)
    assert np.allclose(cases.relative * cases.lengths[:, None], cases.point_errors)
    for (metric, normaliser), values in cases.values.items():
        assert report.score(metric, normaliser).value == pytest.approx(np.nanmean(values))
