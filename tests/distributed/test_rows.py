"""Workers give what one process gives, and a worker that dies costs a piece and no more."""

import os
import signal
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs

from cairn.distributed import fit_ray, predict_ray, transform_ray
from cairn.points import (
    KASP,
    LandmarkDiffusionMap,
    LandmarkIsomap,
    LandmarkKernelPCA,
    LandmarkSpectralClustering,
    fit_blocks,
    sample_rows,
)

ROWS = make_blobs(900, centers=3, n_features=6, random_state=1)[0]


def in_order(dataset, name):
    rows = dataset.to_pandas()
    assert_array_equal(np.sort(rows["row"]), np.arange(len(ROWS)))  # none lost, none twice
    return np.stack(rows.sort_values("row")[name].to_numpy())


@pytest.fixture
def npy(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    return tmp_path / "rows.npy"


@pytest.mark.parametrize(
    "model",
    [LandmarkSpectralClustering(3, n_landmarks=60, random_state=0), KASP(3, n_landmarks=60, random_state=0)],
    ids=lambda model: type(model).__name__,
)
def test_labels_are_those_of_one_process(cluster, npy, model):
    here = fit_blocks(model, npy)
    there = fit_ray(model, npy, rows=100)
    assert_array_equal(there.predict(ROWS), here.predict(ROWS))
    assert_array_equal(in_order(predict_ray(there, npy, rows=100), "label"), here.predict(ROWS))


@pytest.mark.parametrize(
    "model",
    [
        LandmarkKernelPCA(n_landmarks=40, gamma=0.01, random_state=0),
        LandmarkDiffusionMap(n_landmarks=40, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_coordinates_are_those_of_one_process(cluster, model):
    here = fit_blocks(model, ROWS).transform(ROWS)
    there = fit_ray(model, ROWS, rows=130)
    close = {"atol": 1e-9 * np.abs(here).max()}
    assert_allclose(there.transform(ROWS), here, **close)
    assert_allclose(in_order(transform_ray(there, ROWS, rows=130), "values"), here, **close)


def test_a_dataset_of_ray_goes_in_and_comes_out_with_the_answers(cluster):
    import ray.data

    columns = {name: ROWS[:, i] for i, name in enumerate("abcdef")}
    data = ray.data.from_items(
        [{"id": f"row {i}"} | {name: float(c[i]) for name, c in columns.items()} for i in range(len(ROWS))],
        override_num_blocks=4,
    )
    model = LandmarkSpectralClustering(3, n_landmarks=60, random_state=0)
    there = fit_ray(model, data, columns=list("abcdef"), rows=70)
    here = fit_blocks(model, ROWS)
    assert_array_equal(there.predict(ROWS), here.predict(ROWS))
    found = predict_ray(there, data, columns=list("abcdef"), rows=70).to_pandas().set_index("id")
    assert len(found) == len(ROWS)
    assert_array_equal(found.loc[[f"row {i}" for i in range(len(ROWS))], "label"], here.predict(ROWS))
    with pytest.raises(ValueError, match="column 'id' holds string, not numbers"):
        fit_ray(model, data)


def test_what_cannot_be_added_up_is_fitted_on_a_sample_and_applied_everywhere(cluster, npy):
    with pytest.raises(ValueError, match="cannot be fitted in blocks"):
        fit_ray(LandmarkIsomap(), npy)
    model = LandmarkIsomap(n_neighbors=30, random_state=0).fit(sample_rows(npy, 500, random_state=0))
    assert_allclose(in_order(transform_ray(model, npy, rows=200), "values"), model.transform(ROWS), atol=1e-9)


class Dies(LandmarkKernelPCA):
    """Its worker is killed by its process id the first time that it looks at the row in the middle."""

    def __init__(self, marker="", n_components=2, n_landmarks=40, gamma=0.01, selector="random", random_state=0):
        super().__init__(
            n_components, n_landmarks=n_landmarks, gamma=gamma, selector=selector, random_state=random_state
        )
        self.marker = marker

    def _similarity(self, X):
        if self.marker and (ROWS[455] == X).all(axis=1).any():
            try:
                os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return super()._similarity(X)
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._similarity(X)


@pytest.fixture
def dies(tmp_path):
    from ray import cloudpickle

    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)  # workers do not have the tests
    yield Dies
    cloudpickle.unregister_pickle_by_value(here)


def test_a_worker_killed_while_it_adds_up_costs_its_piece_alone(cluster, npy, tmp_path, dies):
    selector = ROWS[::30]
    marker = tmp_path / "died"
    here = LandmarkKernelPCA(gamma=0.01, selector=selector).fit(ROWS)
    there = fit_ray(dies(str(marker), selector=selector), npy, rows=100)
    assert marker.exists()
    assert_allclose(there.eigenvalues_, here.eigenvalues_)


def test_a_worker_killed_while_it_answers_loses_no_row_and_gives_none_twice(cluster, npy, tmp_path, dies):
    marker = tmp_path / "died"
    here = LandmarkKernelPCA(gamma=0.01, selector=ROWS[::30]).fit(ROWS).transform(ROWS)
    model = dies(str(marker), selector=ROWS[::30])
    model.marker = ""
    model.fit(ROWS).set_params(marker=str(marker))
    found = in_order(transform_ray(model, npy, rows=100), "values")
    assert marker.exists()
    assert_allclose(found, here, atol=1e-9)
