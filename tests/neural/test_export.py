import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cairn.detectors.onnx_graph import OnnxGraph  # noqa: E402
from cairn.errors import InputError  # noqa: E402
from cairn.neural.export import export, load_weights, round_weights  # noqa: E402
from cairn.neural.networks.residual_unet import ResidualUNet  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = ResidualUNet(5, (8, 12, 16, 24), (1, 1, 1))
    with torch.no_grad():  # statistics that folding them wrongly would show
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.weight.normal_(1, 0.2)
                module.bias.normal_()
    return round_weights(net.eval())


def test_the_graph_answers_as_torch_does_at_any_batch_size(network):
    graph = OnnxGraph(export(network, torch.zeros(2, 3, 64, 64)))
    for n in (1, 2, 7):
        x = torch.randn(n, 3, 64, 64)
        with torch.no_grad():
            expected = network(x).numpy()
        np.testing.assert_allclose(graph(x.numpy())[0], expected, atol=1e-4)


def test_torch_takes_its_weights_back_by_name(network):
    data = export(network, torch.zeros(2, 3, 64, 64))
    torch.manual_seed(1)
    other = ResidualUNet(5, (8, 12, 16, 24), (1, 1, 1)).eval()
    assert load_weights(other, data) == [n for n in other.state_dict() if n.endswith("num_batches_tracked")]
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(other(x), network(x))


def test_a_head_for_other_points_keeps_its_own_weights(network):
    data = export(network, torch.zeros(2, 3, 64, 64))
    other = ResidualUNet(9, (8, 12, 16, 24), (1, 1, 1))
    missing = [n for n in load_weights(other, data) if not n.endswith("num_batches_tracked")]
    assert missing == ["head.weight", "head.bias"]


def test_the_file_is_about_two_bytes_a_weight(network):
    weights = sum(p.numel() for p in network.parameters())
    assert len(export(network, torch.zeros(2, 3, 64, 64))) < 2.6 * weights + 20000


def test_bytes_that_are_no_graph_are_one_sentence():
    with pytest.raises(InputError, match="damaged"):
        OnnxGraph(b"not a graph")(np.zeros(1, np.float32))
