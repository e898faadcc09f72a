import numpy as np
import pytest

from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.model import Model
from tests.conftest import KITE, draw_kites


@pytest.fixture
def model():
    data = draw_kites(20, share=0.8, wander=0.1)
    return Model(MeanShape(uses_box=False).fit(data), KITE, WholeImage())


def test_a_path_an_array_an_image_and_a_list_are_all_pictures(model, picture):
    from cairn.images import read_image

    image = read_image(picture)
    first = model(picture)
    assert first.points.shape == (1, 4, 2)
    assert first.score.tolist() == [1.0]
    for same in (str(picture), image.pixels, image, [image]):
        assert np.array_equal(model(same).points, first.points)


def test_rows_of_many_pictures_say_which_picture_they_are_of(model):
    images = list(draw_kites(19).images)
    found = model(images)
    assert found.image_index.tolist() == list(range(19))


def test_given_boxes_are_used_and_returned(kites):
    model = Model(MeanShape().fit(kites), KITE)
    found = model.predict([kites.images[3]], [kites.boxes[3]])
    assert np.array_equal(found.boxes, kites.boxes[3])


def test_without_a_finder_whole_pictures_are_refused_with_what_to_do(kites):
    with pytest.raises(InputError, match=r"no finder.*boxes"):
        Model(MeanShape().fit(kites), KITE)(kites.images[0])


def test_boxes_for_another_number_of_pictures_are_refused(kites):
    with pytest.raises(InputError, match="2 pictures, but boxes for 1"):
        Model(MeanShape().fit(kites), KITE).predict(list(kites.images[:2]), kites.boxes[:1])


def test_no_pictures_no_rows(model):
    assert len(model([])) == 0


def test_pictures_with_given_boxes_may_be_paths_too(kites, picture):
    model = Model(MeanShape().fit(kites), KITE, WholeImage())
    box = [[10, 10, 60, 60]]
    assert np.array_equal(model.predict(str(picture), [box]).boxes, box)
    assert len(model.find(picture)) == 1


@pytest.mark.parametrize("boxes", [[1.0, 2, 30, 40], [[1, 2, 3]], None, "abcd", [[[1, 2, 3, 4]]]])
def test_boxes_of_another_shape_are_one_sentence(kites, boxes):
    with pytest.raises(InputError, match=r"boxes of picture 0 have shape .*expected \(N, 4\)"):
        Model(MeanShape().fit(kites), KITE).predict([kites.images[0]], [boxes])


@pytest.fixture
def judged_model():
    from cairn.shape.plausibility import Plausibility

    data = draw_kites(60, share=0.8, wander=0.1)
    detector = MeanShape(uses_box=False).fit(data)
    return Model(detector, KITE, WholeImage(), plausibility=Plausibility.fit(data.landmarks))


def test_every_answer_says_whether_it_makes_sense_and_points_stay(judged_model):
    from dataclasses import replace

    image = draw_kites(1, share=0.8).images[0]
    said, bare = judged_model(image), replace(judged_model, plausibility=None)(image)
    assert said.plausible.shape == (1,)
    assert said.plausible_parts.shape == (1, 1)
    assert said.plausible_points.shape == (1, 4)
    assert np.array_equal(said.points, bare.points)
    assert bare.plausible is None
    assert len(judged_model([])) == 0


def test_what_is_implausible_is_repaired_only_where_asked_for(judged_model):
    from dataclasses import replace

    detector = judged_model.detector
    detector.mean_[1] += (0.0, 0.6)  # the right corner hangs far down
    detector.covariance_[:] *= 0.01
    image = draw_kites(1, share=0.8).images[0]
    left, repaired = judged_model(image), judged_model(image, repair=True)
    assert not left.plausible_points[0, 1]
    assert left.altered is None
    assert repaired.altered[0].tolist() == [False, True, False, False]
    assert repaired.points[0, 1, 1] < left.points[0, 1, 1] - 10
    with pytest.raises(InputError, match="cannot repair"):
        replace(judged_model, plausibility=None)(image, repair=True)
