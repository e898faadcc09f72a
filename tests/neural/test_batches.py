import numpy as np
import pytest

pytest.importorskip("torch")
from cairn.augment import Augmentation
from cairn.dataset import Dataset
from cairn.landmarks import Landmarks
from cairn.neural.batches import Samples, batches

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0, 0)


def spot_centres(pixels):
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    weight = pixels.astype(float)
    sums = np.stack([(x[..., None] * weight).sum((0, 1)), (y[..., None] * weight).sum((0, 1))], 1)
    return sums / weight.sum((0, 1))[:, None]


def test_points_stay_on_their_spots_through_turns_shifts_and_zooms(coloured_spots):
    samples = Samples(coloured_spots(flip=None), 64, 1.5, True)
    how = Augmentation(light=0, grey=0, blur=0, noise=0, cover=0, turn=25)
    batch = next(iter(batches(samples, how, 12, 0, 0, 1)))
    for pixels, points in zip(batch.pixels, batch.points, strict=True):
        whole = ((points > 8) & (points < 55)).all(-1)  # spots that the square's edge does not cut
        np.testing.assert_allclose(spot_centres(pixels)[whole], points[whole], atol=0.35)


def test_a_mirrored_square_has_left_and_right_exchanged(coloured_spots):
    samples = Samples(coloured_spots(), 64, 1.5, True)
    batch = next(iter(batches(samples, STILL, 24, 0, 0, 1)))
    centres = np.array([spot_centres(p) for p in batch.pixels])
    mirrored = np.abs(centres - batch.points).max((1, 2)) > 5  # the red spot is b now
    assert 4 < mirrored.sum() < 20
    np.testing.assert_allclose(centres[mirrored][:, [1, 0, 2]], batch.points[mirrored], atol=0.35)
    np.testing.assert_allclose(centres[~mirrored], batch.points[~mirrored], atol=0.35)
    assert (batch.points[:, 0, 0] < batch.points[:, 1, 0]).all()  # a stays the left one in every square


def test_without_a_mirror_image_nothing_is_mirrored(coloured_spots):
    samples = Samples(coloured_spots(flip=None), 64, 1.5, True)
    batch = next(iter(batches(samples, STILL, 24, 0, 0, 1)))
    np.testing.assert_allclose([spot_centres(p) for p in batch.pixels], batch.points, atol=0.35)


def test_a_batch_depends_on_seed_and_step_alone(coloured_spots):
    samples = Samples(coloured_spots(), 32, 1.5, True)
    straight = list(batches(samples, Augmentation(), 4, 3, 0, 5))
    resumed = list(batches(samples, Augmentation(), 4, 3, 3, 5))
    np.testing.assert_array_equal(straight[3].pixels, resumed[0].pixels)
    np.testing.assert_array_equal(straight[4].points, resumed[1].points)
    other = next(iter(batches(samples, Augmentation(), 4, 4, 0, 1)))
    assert (other.pixels != straight[0].pixels).any()


def test_every_sample_comes_once_in_each_round(coloured_spots):
    data = coloured_spots(8, flip=None)
    samples = Samples(data, 32, 1.5, True)
    seen = np.concatenate([b.points[:, 0] for b in batches(samples, STILL, 4, 0, 0, 2)])
    assert len(np.unique(seen.round(3), axis=0)) == len(np.unique(samples.points[:, 0].round(3), axis=0))


def test_objects_with_rare_points_come_more_often(coloured_spots):
    data = coloured_spots(8, flip=None)
    points = data.landmarks.points.copy()
    points[1:, 2] = np.nan  # one of eight has it
    samples = Samples(
        Dataset(data.images, Landmarks(data.skeleton, points, data.landmarks.boxes, np.arange(8))), 32, 1.5, True
    )
    seen = sum(b.weight[:, 2].sum() for b in batches(samples, STILL, 8, 0, 0, 20))
    assert 50 < seen < 100  # of 160; 20 were all shown alike


def test_unlabelled_and_departed_points_have_no_weight(coloured_spots):
    data = coloured_spots(4, flip=None)
    points = data.landmarks.points.copy()
    points[:, 2] = np.nan
    points[:, 1] = 1000
    given = np.tile([50.0, 50, 110, 110], (4, 1))
    data = Dataset(data.images, Landmarks(data.skeleton, points, given, np.arange(4)))
    batch = next(iter(batches(Samples(data, 32, 1.5, True), STILL, 4, 0, 0, 1)))
    np.testing.assert_array_equal(batch.weight, [[1, 0, 0]] * 4)
    assert np.isfinite(batch.points).all()


def test_rows_without_box_or_label_are_left_out(coloured_spots):
    data = coloured_spots(3)
    points, given = data.landmarks.points.copy(), data.landmarks.boxes.copy()
    points[0] = np.nan
    given[1] = [5, 5, 5, 9]
    data = Dataset(data.images, Landmarks(data.skeleton, points, given, np.arange(3)))
    np.testing.assert_array_equal(Samples(data, 32, 1.5, True).rows, [2])
