import numpy as np
import pytest

torch = pytest.importorskip("torch")
from cairn.detectors.contract import Run  # noqa: E402
from cairn.errors import InputError  # noqa: E402
from cairn.neural import training  # noqa: E402
from cairn.neural.training import Schedule, train_network  # noqa: E402


def a_network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


def make_batches(first, last):
    for step in range(first, last):
        x = np.random.default_rng([7, step]).normal(size=(16, 3)).astype(np.float32)
        yield x, (x @ [1.0, -2.0, 0.5])[:, None].astype(np.float32)


def loss(network, batch, device):
    x, y = (torch.from_numpy(b).to(device) for b in batch)
    return (network(x).float() - y).square().mean()


def train(run, network=None, loss=loss, settings=(), **kw):
    network = network or a_network()
    schedule = Schedule(rate=0.02)
    return train_network(network, loss, make_batches, schedule, run, default_steps=150, settings=dict(settings), **kw)


def weights(network):
    return torch.cat([p.flatten() for p in network.parameters()]).detach().numpy()


def test_it_learns():
    fitted = train(Run())
    assert fitted.steps == 150
    assert max(loss(fitted.network, b, torch.device("cpu")).item() for b in make_batches(900, 905)) < 0.2


def test_steps_replay_a_run_exactly():
    np.testing.assert_array_equal(weights(train(Run(steps=40)).network), weights(train(Run(steps=40)).network))


def test_a_killed_run_continues_to_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", -1.0)
    whole = train(Run(steps=40))

    def dies(network, batch, device, at=[0]):  # noqa: B006
        at[0] += 1
        if at[0] == 23:
            raise KeyboardInterrupt
        return loss(network, batch, device)

    run = Run(steps=40, folder=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(run, loss=dies)
    np.testing.assert_array_equal(weights(train(run).network), weights(whole.network))


def test_a_folder_of_another_run_is_refused_with_one_sentence(tmp_path):
    train(Run(steps=3, folder=tmp_path))
    with pytest.raises(InputError, match="other settings"):
        train(Run(steps=4, folder=tmp_path))


def test_a_training_is_not_continued_with_other_hyper_parameters(tmp_path):
    run = Run(steps=3, folder=tmp_path)
    train(run, settings={"sigma": 1.0})
    with pytest.raises(InputError, match="other settings"):
        train(run, settings={"sigma": 2.0})
    assert train(run, settings={"sigma": 1.0}).steps == 3


def test_minutes_become_a_number_of_steps_that_is_recorded(monkeypatch):
    fitted = train(Run(minutes=0.02))
    assert fitted.steps > 1
    np.testing.assert_array_equal(weights(train(Run(steps=fitted.steps)).network), weights(fitted.network))


def test_the_curve_is_written(tmp_path):
    train(Run(steps=40, folder=tmp_path), validate=lambda network: 1.5)
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0] == "step,seconds,loss,validation"
    assert len(lines) == 21
    assert lines[-1].startswith("40,")
    assert lines[-1].endswith("1.500000")


def test_cuda_where_there_is_none_is_one_sentence():
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    with pytest.raises(InputError, match="no CUDA"):
        train(Run(device="cuda"))


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    train(Run(steps=3, folder=tmp_path))
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="delete it to start anew"):
        train(Run(steps=3, folder=tmp_path))


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path, monkeypatch):
    def full(path, data):
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(training, "write_whole", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert train(Run(steps=3, folder=tmp_path)).steps == 3
