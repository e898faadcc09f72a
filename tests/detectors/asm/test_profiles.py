import numpy as np

from cairn.detectors.asm.profiles import Profiles, profile_lines


def test_lines_lie_across_and_along_a_contour_and_on_the_axes_elsewhere():
    lines = profile_lines(4, [(0, 1), (1, 2), (3, 3)])
    assert lines[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert lines[2].tolist() == [1, 0, 2, -1]
    assert lines[3].tolist() == [1, 0, 2, -2]
    assert lines[6:, 3].tolist() == [0, 1]


def edge_picture(y, contrast=100, ground=50):
    """A horizontal edge just above row `y`, one pixel soft."""
    rows = np.clip(np.arange(60) - y + 0.5, 0, 1)
    return (ground + contrast * np.repeat(rows[:, None], 60, 1)).astype(np.uint8)


def contour(y):
    return np.array([[20.0, y], [30.0, y], [40.0, y]])


def learnt():
    rng = np.random.default_rng(0)
    frames = np.stack([edge_picture(30 + d) for d in rng.uniform(-3, 3, 40)])
    places = np.random.default_rng(0).uniform(-3, 3, 40)
    noisy = np.clip(frames + rng.integers(-3, 4, frames.shape), 0, 255).astype(np.uint8)
    points = np.stack([contour(30 + d) for d in places])
    return Profiles.fit(noisy, points, [(0, 1), (1, 2)], 3, 6, np.random.default_rng(0))


def test_an_edge_is_found_along_the_normal_and_nothing_is_said_along_the_contour():
    view = learnt().look(edge_picture(33), contour(30), 6)
    seen, precision = view.evidence(contour(30), 6.0)
    assert np.allclose(seen[:, 1], 33, atol=0.5)
    assert (precision[:, 1, 1] > 0.1).all()
    assert (precision[:, 0, 0] < 0.1 * precision[:, 1, 1]).all()


def test_brightness_and_contrast_drop_out():
    profiles = learnt()
    plain = profiles.look(edge_picture(32), contour(30), 6).evidence(contour(30), 6.0)
    other = profiles.look(edge_picture(32, contrast=60, ground=120), contour(30), 6).evidence(contour(30), 6.0)
    assert np.allclose(plain[0], other[0], atol=0.1)


def test_the_distance_is_smaller_on_the_edge_than_beside_it():
    profiles = learnt()
    on = profiles.look(edge_picture(30), contour(30), 2).features(contour(30))
    beside = profiles.look(edge_picture(30), contour(36), 2).features(contour(36))
    assert (on < beside).all()


def test_a_point_that_is_not_labelled_leaves_the_others_alone():
    rng = np.random.default_rng(1)
    frames = np.clip(edge_picture(30) + rng.integers(-3, 4, (10, 60, 60)), 0, 255).astype(np.uint8)
    points = np.tile(contour(30), (10, 1, 1))
    points[:5, 2] = np.nan
    profiles = Profiles.fit(frames, points, [(0, 1), (1, 2)], 3, 6, np.random.default_rng(0))
    assert np.isfinite(profiles.mean).all()
    assert np.isfinite(profiles.inverse).all()
