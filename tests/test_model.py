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
