"""What holds for every clusterer: rows may come sparse, memory-mapped and in blocks of any size."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from cairn.points.clustering import KASP, LandmarkExtension, LandmarkSpectralClustering, LandmarkSpectralEnsemble
from cairn.points.clustering import landmark_graph as graph_module

ROWS, GROUP = make_blobs(700, centers=3, n_features=6, random_state=1)
ROWS = np.maximum(ROWS, 0)  # with zeros, as sparse tables have
LANDMARKS = ROWS[::10]

CLUSTERERS = [
    LandmarkSpectralClustering(3, selector=LANDMARKS, random_state=0),
    LandmarkSpectralEnsemble(3, n_members=4, random_state=0),
    KASP(3, selector=LANDMARKS, random_state=0),
    LandmarkExtension(AgglomerativeClustering(3), selector=LANDMARKS),
]
every_clusterer = pytest.mark.parametrize("model", CLUSTERERS, ids=lambda model: type(model).__name__)


@every_clusterer
def test_sparse_rows_get_the_labels_of_dense_ones(model):
    dense = model.fit(ROWS).labels_
    rows = sparse.csr_array(ROWS)
    assert adjusted_rand_score(model.predict(rows), dense) == 1
    assert adjusted_rand_score(model.fit(rows).labels_, dense) == 1


@every_clusterer
def test_the_size_of_blocks_changes_nothing(model, monkeypatch):
    whole = model.fit(ROWS).labels_
    monkeypatch.setattr(graph_module, "BLOCK_ROWS", 64)
    assert_array_equal(model.predict(ROWS), whole)
    assert_array_equal(model.fit(ROWS).labels_, whole)


@every_clusterer
def test_memory_mapped_rows(model, tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    expected = model.fit(ROWS).labels_
    assert_array_equal(model.fit(mapped).labels_, expected)
    assert_array_equal(model.predict(mapped), expected)


@every_clusterer
def test_a_fitted_model_travels_between_processes(model):
    plane = np.ascontiguousarray(ROWS[:, :2])  # few columns: searched by a tree
    if isinstance(model.get_params().get("selector"), np.ndarray):
        model = type(model)(**(model.get_params(deep=False) | {"selector": "hybrid"}))
    model.fit(plane)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(plane), model.labels_)


def test_transforms_of_sparse_rows_are_those_of_dense_ones():
    for model in (LandmarkSpectralClustering(3, selector=LANDMARKS), LandmarkExtension(PCA(2), selector=LANDMARKS)):
        model.fit(ROWS)
        assert_allclose(model.transform(sparse.csr_array(ROWS)), model.transform(ROWS), atol=1e-6)
