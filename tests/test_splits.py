import numpy as np
import pytest

import cairn
from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.images import Image, ImageList
from cairn.landmarks import Landmarks
from cairn.splits import block_split, check_leakage, leaks, split_into


def data(n=60, per_subject=3, **more):
    """One object a picture, three pictures a subject."""
    points = np.random.default_rng(0).uniform(0, 30, (n, 4, 2))
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    labels = Landmarks(cairn.Skeleton.anonymous(4), points, boxes, np.arange(n))
    subject = np.array([f"s{i // per_subject}" for i in range(n)])
    images = ImageList(Image(np.zeros((32, 32), np.uint8)) for _ in range(n))
    return Dataset(images, labels, subject=subject, **more)


def test_no_subject_is_on_both_sides():
    made = split_into(data(), {"test": 0.2}, seed=3)
    of_test = set(made.subject[made.split == "test"])
    assert len(of_test) == 4  # a fifth of 20 subjects
    assert not of_test & set(made.subject[made.split == "train"])
    assert list(leaks(made)) == []


def test_a_column_keeps_its_values_together():
    plate = np.arange(60) % 6
    made = split_into(data(columns={"plate": plate}), {"test": 0.5}, by="plate", seed=0)
    for value in range(6):
        # three pictures of a subject lie on three plates, so two components of plates remain
        assert len(set(made.split[plate == value])) == 1


def test_every_split_gets_the_same_share_of_a_stratum():
    sex = np.array(["f"] * 45 + ["m"] * 15)
    made = split_into(data(columns={"sex": sex}), {"test": 0.2}, stratify="sex", seed=1)
    assert (made.split[sex == "f"] == "test").sum() == 9
    assert (made.split[sex == "m"] == "test").sum() == 3


def test_three_splits_and_how_they_were_made():
    made = split_into(data(), {"test": 0.2, "val": 0.1}, seed=5)
    counts = {name: int((made.split == name).sum()) for name in ("train", "val", "test")}
    assert counts == {"train": 42, "val": 6, "test": 12}
    assert made.split_by == "20 % test, 10 % val, 70 % train by subjects, seed 5"


def test_the_same_seed_gives_the_same_split_and_another_one_another():
    a, b, c = (split_into(data(), {"test": 0.3}, seed=s).split for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


def test_a_small_share_is_not_rounded_away():
    assert (split_into(data(), {"test": 0.01}).split == "test").any()


def test_blocks_of_time_are_not_interleaved_and_have_gaps():
    frame = np.random.default_rng(0).permutation(100)
    film = data(100, per_subject=100, frame=frame)
    made = block_split(film, {"test": 0.2}, blocks=4, gap=2, seed=1)
    in_time = made.split[np.argsort(frame)]
    changes = np.flatnonzero(in_time[1:] != in_time[:-1])
    assert (in_time == "test").sum() == 20
    assert 14 <= (in_time == "unused").sum() <= 16  # two at each of seven or eight borders
    for i in changes:
        assert {in_time[i], in_time[i + 1]} != {"train", "test"}  # a gap is between them


@pytest.mark.parametrize("shares", [{"test": 0.0}, {"test": 1.0}, {"test": 0.6, "val": 0.5}, {}, {"": 0.2}])
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(InputError):
        split_into(data(), shares)


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InputError, match=r"no column 'plate'; it has subject, sex"):
        split_into(data(columns={"sex": np.array(["f"] * 60)}), {"test": 0.2}, by="plate")


def test_one_subject_cannot_be_split():
    with pytest.raises(InputError, match="1 group"):
        split_into(data(9, per_subject=9), {"test": 0.2})


def test_a_subject_in_both_splits_is_refused_unless_asked_for():
    leaky = data(split=np.array((["train"] * 31) + ["test"] * 29))  # s10 has pictures 30, 31, 32
    with pytest.raises(InputError, match="subject s10 is in test and in train"):
        check_leakage(leaky)
    check_leakage(leaky, allowed=True)


def test_training_refuses_a_leak():
    leaky = data(split=np.array((["train"] * 31) + ["test"] * 29))
    with pytest.raises(InputError, match="subject s10"):
        cairn.train(leaky, recipe="mean", finder="whole", quiet=True)
    assert cairn.train(leaky, recipe="mean", finder="whole", quiet=True, allow_leakage=True) is not None
