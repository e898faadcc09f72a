from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cairn.detectors.checks import check_detector  # noqa: E402
from cairn.detectors.contract import Run  # noqa: E402
from cairn.detectors.crop import crop  # noqa: E402
from cairn.detectors.heatmap import Heatmap  # noqa: E402
from cairn.errors import InputError  # noqa: E402
from cairn.geometry import transforms  # noqa: E402
from cairn.neural.heatmap import HeatmapNet  # noqa: E402
from cairn.skeleton import Skeleton  # noqa: E402

SMALL = {"input_size": 64, "scale": 1.6, "widths": (8, 16, 24), "blocks": (1, 1), "batch_size": 16}


@pytest.fixture(scope="module")
def net(coloured_spots):
    data = coloured_spots(60, flip=None)
    return HeatmapNet(**SMALL).fit(data, run=Run(seed=0, steps=120))


def error(net, data):
    found = net.predict(data.images, data.boxes)
    return np.linalg.norm(found.points - data.landmarks.points, axis=-1), found


def test_it_finds_points_in_new_pictures(net, coloured_spots):
    distance, found = error(net, coloured_spots(20, flip=None, seed=1))
    assert distance.mean() < 2.0  # px; spots are 9 px wide, boxes about 40
    assert (found.confidence > 0).all()


def test_the_runner_agrees_with_torch(net, coloured_spots):
    data = coloured_spots(5, seed=2)
    found = net.predict(data.images, data.boxes)
    matrices = transforms.box_to_square(data.landmarks.boxes, 64, 1.6)
    squares = np.stack([crop(i.pixels, m, 64) for i, m in zip(data.images, matrices, strict=True)])
    with torch.no_grad():
        trained = net.fitted_.network
        mean = (trained(torch.from_numpy(squares))[..., :2] + trained.handedness).numpy()
    expected = transforms.apply(transforms.invert(matrices), mean)
    np.testing.assert_allclose(found.points, expected, atol=1e-3)


def test_labels_that_lean_to_one_side_are_learnt_although_squares_are_mirrored(coloured_spots):
    def leaning(seed, n):
        data = coloured_spots(n, seed=seed)
        return replace(data, landmarks=replace(data.landmarks, points=data.landmarks.points + np.array([1.5, 0])))

    net = HeatmapNet(**SMALL, augmentation={"turn": 3}).fit(leaning(0, 60), run=Run(steps=150))
    test = leaning(1, 30)
    for mirrored in (False, True):
        net.runner_.mirrored = mirrored
        off = (net.predict(test.images, test.boxes).points - test.landmarks.points)[..., 0].mean()
        assert abs(off) < 0.75


def test_the_state_is_lossless(net, coloured_spots):
    data = coloured_spots(4, seed=3)
    again = Heatmap.from_state(net.state())
    assert again.predict(data.images, data.boxes).equals(net.predict(data.images, data.boxes))


def test_the_same_seed_gives_the_same_network(coloured_spots):
    data = coloured_spots(16)
    graphs = [HeatmapNet(**SMALL).fit(data, run=Run(seed=3, steps=4)).runner_.graph_.data for _ in range(2)]
    assert graphs[0] == graphs[1]


def test_data_without_a_label_is_one_sentence(coloured_spots):
    data = coloured_spots(2)
    empty = data.take(np.zeros(2, bool))
    with pytest.raises(InputError, match="no labelled object"):
        HeatmapNet(**SMALL).fit(empty)


@pytest.mark.parametrize("uses_box", [True, False])
def test_it_keeps_the_contract(coloured_spots, uses_box):
    make = lambda: HeatmapNet(**SMALL, uses_box=uses_box)  # noqa: E731
    check_detector(make, coloured_spots(8), run=Run(steps=3))


def test_a_start_model_is_ahead_of_a_new_one_even_on_other_points(net, coloured_spots):
    data = coloured_spots(30, flip=None, seed=5)
    two = replace(
        data.landmarks, skeleton=Skeleton(("red", "blue")), points=data.landmarks.points[:, [0, 2]], visibility=None
    )
    data = replace(data, landmarks=two)
    mean = {}
    for start in (None, net.state()):
        fresh = HeatmapNet(**SMALL).fit(data, run=Run(seed=1, steps=25, start=start))
        mean[start is not None] = error(fresh, data)[0].mean()
    assert mean[True] < 0.7 * mean[False]


def test_a_start_of_other_widths_is_one_sentence(net, coloured_spots):
    wider = HeatmapNet(**{**SMALL, "widths": (8, 24, 32)})
    with pytest.raises(InputError, match="same widths"):
        wider.fit(coloured_spots(4), run=Run(steps=1, start=net.state()))
