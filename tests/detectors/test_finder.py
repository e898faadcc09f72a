"""The runner of finders, with a graph drawn by hand: what it does around the network."""

import numpy as np
import pytest

from cairn.detectors.finder import CenterFinder, merge
from cairn.geometry import boxes as box_geometry
from cairn.images import Image

STRIDE = 8


def bright_squares(batch):
    """A "network" that says exactly where the bright rectangles are: one object for each connected one."""
    import cv2

    out = []
    for picture in batch:
        h, w = (s // STRIDE for s in picture.shape[:2])
        cells = np.zeros((h, w, 5), np.float32)
        cells[..., 3:] = 1
        count, _, stats, _ = cv2.connectedComponentsWithStats((picture[..., 0] > 128).astype(np.uint8))
        for x, y, width, height, _ in stats[1:count]:
            middle = np.array([x + (width - 1) / 2, y + (height - 1) / 2])
            if max(width, height) > 160 or min(width, height) < 6:
                continue  # like a network that knows objects of a range of sizes
            j, i = np.round((middle - (STRIDE - 1) / 2) / STRIDE).astype(int)
            cells[i, j] = [0.9, *(middle - np.array([j, i]) * STRIDE - (STRIDE - 1) / 2), width, height]
        out.append(cells)
    return [np.stack(out)]


def finder(**settings):
    made = CenterFinder(**settings)
    made.graph_ = bright_squares
    return made


def picture(width, height, *rectangles):
    """Black, with white rectangles x0, y0, x1, y1 (first and last pixel)."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for x0, y0, x1, y1 in rectangles:
        pixels[y0 : y1 + 1, x0 : x1 + 1] = 255
    return Image(pixels)


def edges(*rectangle):
    x0, y0, x1, y1 = rectangle
    return [x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5]


def test_boxes_lie_on_the_objects_in_pixels_of_the_picture():
    first, second = (40, 30, 79, 89), (200, 100, 263, 147)
    boxes, scores = finder().predict([picture(300, 200, first, second)])[0]
    wanted = np.array([edges(*first), edges(*second)])
    np.testing.assert_allclose(boxes[np.argsort(boxes[:, 0])], wanted, atol=1e-9)
    np.testing.assert_allclose(scores, 0.9, atol=1e-6)


def test_an_object_in_the_corner_is_found_although_its_neighbour_cells_are_outside():
    boxes, _ = finder().predict([picture(100, 70, (0, 0, 15, 15), (84, 54, 99, 69))])[0]
    assert sorted(map(tuple, boxes.round(6).tolist())) == [(-0.5, -0.5, 15.5, 15.5), (83.5, 53.5, 99.5, 69.5)]


@pytest.mark.parametrize("size", [(1200, 900), (4000, 3000), (6000, 400)])
def test_a_large_picture_is_searched_for_the_small_and_for_what_fills_it(size):
    width, height = size
    unit = height / 100
    small, large = ([round(v * unit) for v in r] for r in ((5, 5, 10, 10), (25, 12, 95, 92)))
    boxes, _ = finder(coarsest=150).predict([picture(width, height, small, large)])[0]
    overlap = box_geometry.iou(boxes, np.array([edges(*small), edges(*large)]))
    assert len(boxes) == 2, "each object once, although it is seen at several sizes"
    assert (overlap.max(axis=0) > 0.85).all()


def test_what_is_looked_at_is_bounded():
    seen = []

    def graph(batch):
        seen.append(batch.shape[1] * batch.shape[2])
        return bright_squares(batch)

    made = CenterFinder(most_pixels=500_000)
    made.graph_ = graph
    made.predict([picture(3000, 2500)])
    assert max(seen) < 1.1 * 500_000
    assert sum(seen) < 1.6 * 500_000


@pytest.mark.parametrize("size", [(1, 1), (31, 33), (2000, 3)])
def test_odd_pictures_give_no_box_and_no_error(size):
    boxes, scores = finder().predict([picture(*size)])[0]
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_boxes_below_the_threshold_are_not_given():
    image = picture(100, 100, (20, 20, 59, 59))
    assert len(finder(threshold=0.89).predict([image])[0][0]) == 1
    assert len(finder(threshold=0.91).predict([image])[0][0]) == 0


def test_cells_about_a_peak_are_averaged_by_their_scores():
    def graph(batch):
        cells = np.zeros((1, 4, 4, 5), np.float32)
        cells[..., 3:] = 1
        cells[0, 1, 1] = [0.8, 0, 0, 20, 20]
        cells[0, 1, 2] = [0.4, -8 + 3, 0, 20, 20]  # says that the centre is 3 px further right
        return [cells]

    made = CenterFinder()
    made.graph_ = graph
    boxes, scores = made.predict([picture(32, 32)])[0]
    np.testing.assert_allclose(scores, [0.8], atol=1e-6)
    np.testing.assert_allclose(box_geometry.centre(boxes), [[11.5 + 1, 11.5]], atol=1e-6)


def test_merge_keeps_the_best_of_each_heap_and_orders_by_score():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [51, 51, 60, 60], [0, 8, 10, 18]], float)
    kept, scores = merge(boxes, np.array([0.6, 0.7, 0.9, 0.5, 0.3]), 0.4)
    np.testing.assert_array_equal(kept, boxes[[2, 1, 4]])
    np.testing.assert_array_equal(scores, [0.9, 0.7, 0.3])


def test_a_runner_cannot_be_trained(kites):
    with pytest.raises(NotImplementedError, match="CenterNet"):
        CenterFinder().fit(kites)
