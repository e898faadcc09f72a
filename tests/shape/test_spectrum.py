import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cairn.errors import InputError
from cairn.shape.spectrum import _Fold, choose_spectrum

NONE = np.zeros((10, 0))


def rows(n, sd, seed=0, width=10, noise=0.1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, len(sd))) * sd @ np.eye(len(sd), width) + rng.normal(0, noise, (n, width))


def test_likelihood_is_that_of_the_gaussian_it_stands_for():
    learn, held = rows(30, [2, 1]), rows(4, [2, 1], 1)
    fold = _Fold.of(learn, held, 10, 9)
    values, axes = np.linalg.eigh(np.cov(learn.T))
    values, axes = values[::-1], axes[:, ::-1]
    shrunk = 0.8 * values + 0.2 * values.mean()
    for m in (1, 3):
        kept = np.r_[shrunk[:m], np.full(10 - m, shrunk[m:].mean())]
        normal = multivariate_normal(learn.mean(axis=0), axes @ np.diag(kept) @ axes.T)
        expected = normal.logpdf(held) + 5 * np.log(2 * np.pi)
        np.testing.assert_allclose(fold.likelihood(0.2, np.arange(1, 10))[:, m - 1], expected)
        each = fold.likelihood(np.full(9, 0.2), np.arange(1, 10))
        np.testing.assert_allclose(each[:, m - 1], expected)


def test_two_directions_in_noise_are_two_modes():
    found = choose_spectrum(rows(200, [2, 1]), NONE, np.arange(200), None, "auto")
    assert found.modes.shape == (10, 2)
    assert np.sqrt(found.noise) == pytest.approx(0.1, rel=0.1)
    assert found.shrinkage < 0.02


def test_the_variance_is_kept_whatever_is_shrunk():
    data = rows(15, [2, 1])
    total = np.trace(np.cov(data.T))
    for shrinkage in (0.0, 0.3, 1.0):
        for modes in (1, 4, 9):
            found = choose_spectrum(data, NONE, np.arange(15), modes, shrinkage)
            assert found.variances.sum() + found.noise * (10 - modes) == pytest.approx(total)
            assert (np.diff(found.variances) <= 1e-12).all()
            assert found.noise <= found.variances.min() + 1e-12


def test_fewer_shapes_are_shrunk_more():
    few, many = (
        np.mean([choose_spectrum(rows(n, [1, 0.9, 0.8], s), NONE, np.arange(n), 3, "auto").shrinkage for s in range(6)])
        for n in (5, 100)
    )
    assert few > many + 0.1


def test_a_shape_and_its_mirror_image_are_held_out_together():
    """Otherwise every shape is known from its copy, and all that it has are modes."""
    data, none = rows(12, [1], width=40), np.zeros((40, 0))
    twice, group = np.concatenate([data, data]), np.tile(np.arange(12), 2)
    together = choose_spectrum(twice, none, group, None, 0.0)
    apart = choose_spectrum(twice, none, np.arange(24), None, 0.0)
    assert len(together.variances) <= 2 < len(apart.variances)


def test_more_modes_than_there_are_is_refused():
    with pytest.raises(InputError, match="1 to 4 modes"):
        choose_spectrum(rows(5, [1]), NONE, np.arange(5), 5, 0.0)


def test_the_sign_of_a_mode_does_not_depend_on_the_solver():
    found = choose_spectrum(rows(50, [2, 1]), NONE, np.arange(50), 2, 0.0)
    np.testing.assert_array_equal(found.modes[np.abs(found.modes).argmax(axis=0), [0, 1]] > 0, True)
