import numpy as np
import pytest

from cairn.detectors.asm.search import Shapes, evidence


def line_of_points(modes=1):
    """Six points on a circle that can be drawn out along x."""
    angle = np.arange(6) * np.pi / 3
    mean = np.stack([np.cos(angle), np.sin(angle)], -1) * 20 + 50
    mode = np.zeros_like(mean)
    mode[:, 0] = np.cos(2 * angle)
    mode /= np.linalg.norm(mode)
    return Shapes.of(mean, mode[None], np.array([9.0]), 0.01, np.diag([100.0, 100.0, 0.1, 0.1]))


def sure(k, value=10.0):
    return np.tile(np.eye(2) * value, (k, 1, 1))


def test_a_shape_of_the_model_that_is_clearly_seen_is_found():
    shapes = line_of_points()
    true = shapes.mean + 4 * shapes.basis[4] + [3, -2]
    points, amplitudes, _ = shapes.fit(true, sure(6), 3.0, np.zeros(4))
    assert np.allclose(points, true, atol=0.05)
    assert amplitudes[4] == pytest.approx(4, abs=0.1)


def test_no_mode_goes_beyond_its_limit():
    shapes = line_of_points()
    _, amplitudes, _ = shapes.fit(shapes.mean + 40 * shapes.basis[4], sure(6, 1000.0), 3.0, np.zeros(4))
    assert abs(amplitudes[4]) <= 3 * 3 + 1e-9


def test_a_hidden_point_is_filled_in_by_the_others():
    shapes = line_of_points()
    true = shapes.mean + 4 * shapes.basis[4] + [3, -2]
    seen, precision = true.copy(), sure(6)
    seen[0] += [30, 30]
    precision[0] = 0
    points, _, system = shapes.fit(seen, precision, 3.0, np.zeros(4))
    assert np.allclose(points, true, atol=0.1)
    _, covariance = shapes.settle(points, seen, precision, system)
    assert np.trace(covariance[0]) > 1.5 * np.trace(covariance[1])


def test_where_nothing_is_seen_the_shape_stays_where_it_was_expected():
    shapes = line_of_points()
    start = shapes.place(shapes.mean + np.array([5, 1]))
    points, _, _ = shapes.fit(shapes.mean, np.zeros((6, 2, 2)), 3.0, start)
    assert np.allclose(points, shapes.mean + np.array([5, 1]), atol=1e-6)


def peak(at, width=1.5, radius=8):
    side = np.arange(-radius, radius + 1)
    window = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    middles = np.array([[50, 40]])
    away = middles[:, None] + window - np.asarray(at)
    return -0.5 * (away**2).sum(-1) / width**2, middles, window


def test_the_kernel_does_not_draw_what_was_seen():
    logits, middles, window = peak([52.0, 39.0])
    seen, precision = evidence(logits, middles, window, np.array([[50.0, 40.0]]), 6.0, 0.0)
    assert np.allclose(seen, [[52, 39]], atol=0.05)
    assert np.allclose(precision[0], np.eye(2) / 1.5**2, atol=0.02)


def test_a_ridge_says_nothing_along_itself():
    _, middles, window = peak([50.0, 42.0])
    ridge = -0.5 * ((middles[:, None] + window)[..., 1] - 42.0) ** 2
    _, precision = evidence(ridge, middles, window, np.array([[50.0, 40.0]]), 3.0, 0.0)
    assert precision[0, 0, 0] < 0.02
    assert precision[0, 1, 1] > 0.5


def test_a_flat_window_says_nothing():
    logits, middles, window = peak([50.0, 40.0])
    _, precision = evidence(np.zeros_like(logits), middles, window, np.array([[50.0, 40.0]]), 3.0, 0.0)
    assert np.abs(precision).max() < 0.02
