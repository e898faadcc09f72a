import pytest

torch = pytest.importorskip("torch")
from cairn.neural.losses import distance_loss, laplace_nll, map_cross_entropy  # noqa: E402


def test_distance_by_hand_and_without_unlabelled_points():
    mean = torch.tensor([[[0.0, 0.0], [9.0, 9.0]]])
    truth = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])
    assert distance_loss(mean, truth, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(5, abs=1e-4)


def test_no_label_at_all_gives_zero_and_a_gradient():
    mean = torch.zeros(1, 2, 2, requires_grad=True)
    value = distance_loss(mean, mean.detach() + 1, torch.zeros(1, 2))
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(mean.grad).all()


def test_an_error_along_the_wide_direction_costs_less():
    mean = torch.zeros(1, 1, 2)
    spread = torch.tensor([[[0.04, 0.0004, 0.0]]])
    along = laplace_nll(mean, spread, torch.tensor([[[0.1, 0.0]]]), torch.ones(1, 1), 1e-6)
    across = laplace_nll(mean, spread, torch.tensor([[[0.0, 0.1]]]), torch.ones(1, 1), 1e-6)
    assert along < across


def test_cross_entropy_is_least_at_the_truth():
    at = torch.tensor([[[4.0, 6.0]]])
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    map_at = lambda px, py: (-((x - px) ** 2 + (y - py) ** 2) / 2)[None, None]  # noqa: E731
    right = map_cross_entropy(map_at(4, 6), at, torch.ones(1, 1), 1.0)
    for px, py in ((4.5, 6), (4, 5.5), (7, 7)):
        assert right < map_cross_entropy(map_at(px, py), at, torch.ones(1, 1), 1.0)
