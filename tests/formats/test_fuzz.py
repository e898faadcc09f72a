"""Some of scripts/fuzz_formats.py for each reader, the same files each time; benchmarks/results has an hour of it."""

import numpy as np
import pytest

from cairn.formats import FORMATS
from scripts.fuzz_formats import can_read, changed, fuzz, seeds


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_gives_a_data_set_or_one_sentence(name, tmp_path):
    assert seeds(name), "scripts/fuzz_formats.py --make-corpus makes a seed"
    if not can_read(name):
        pytest.skip("the library of this reader is not installed")
    executions = 100 if name in ("sleap", "deeplabcut") else 1500  # HDF5 is tried in another process first
    tally = fuzz(name, np.random.default_rng(11), executions=executions, folder=tmp_path)
    assert tally.crashes == []


def test_the_changes_leave_something_that_is_read_and_much_that_is_not(tmp_path):
    tally = fuzz("csv", np.random.default_rng(3), executions=300, folder=tmp_path)
    assert 0.02 < tally.read / tally.executions < 0.9


def test_every_execution_is_another_file():
    rng, seed = np.random.default_rng(0), b"LM=2\n1 2\n3 4\nIMAGE=a.png\n" * 5
    assert len({changed(seed, seed, rng) for _ in range(200)}) > 150
