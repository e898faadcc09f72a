import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cairn.neural.moments import Moments  # noqa: E402


def gaussian_logits(x, y, sx, sy, cells=16, stride=4):
    at = np.arange(cells) * stride + (stride - 1) / 2
    z = -((at[None] - x) ** 2) / (2 * sx**2) - ((at[:, None] - y) ** 2) / (2 * sy**2)
    return torch.tensor(z, dtype=torch.float32)[None, None]


def test_mean_and_variance_of_a_gaussian_come_back_in_input_pixels():
    out = Moments(64)(gaussian_logits(30.2, 24.7, 5, 3.5))[0, 0].numpy()
    np.testing.assert_allclose(out[:2], [30.2, 24.7], atol=0.01)
    np.testing.assert_allclose(out[2:5], [25, 12.25, 0], atol=0.15)


def test_a_single_cell_is_its_centre():
    logits = torch.full((1, 1, 16, 16), -50.0)
    logits[0, 0, 3, 5] = 50
    out = Moments(64)(logits)[0, 0].numpy()
    np.testing.assert_allclose(out, [5 * 4 + 1.5, 3 * 4 + 1.5, 0, 0, 0, 1], atol=1e-3)


def test_the_covariance_has_the_sign_of_the_slope():
    logits = torch.full((1, 1, 16, 16), -50.0)
    for i in range(4, 12):
        logits[0, 0, i, i] = 0.0
    assert Moments(64)(logits)[0, 0, 4] > 1
    assert Moments(64)(logits.flip(-1))[0, 0, 4] < -1
