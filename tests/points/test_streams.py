"""Rows in blocks give what rows in one piece give."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from cairn.points import (
    KASP,
    LandmarkDiffusionMap,
    LandmarkIsomap,
    LandmarkKernelPCA,
    LandmarkMDS,
    LandmarkSpectralClustering,
    LandmarkSpectralEmbedding,
    LandmarkSpectralEnsemble,
    LandmarkStressMDS,
    RowBlocks,
    fit_blocks,
    predict_blocks,
    sample_rows,
    transform_blocks,
)

ROWS = np.maximum(make_blobs(900, centers=3, n_features=6, random_state=1)[0], 0)
EMBEDDINGS = [
    LandmarkMDS(n_landmarks=40, random_state=0),
    LandmarkStressMDS(n_landmarks=40, random_state=0),
    LandmarkKernelPCA(n_landmarks=40, gamma=0.01, random_state=0),
    LandmarkSpectralEmbedding(n_landmarks=40, random_state=0),
    LandmarkDiffusionMap(n_landmarks=40, gamma=0.02, random_state=0),
]
CLUSTERERS = [
    LandmarkSpectralClustering(3, n_landmarks=60, random_state=0),
    KASP(3, n_landmarks=60, random_state=0),
]
named = {"ids": lambda model: type(model).__name__}


def sources(folder):
    np.save(folder / "rows.npy", ROWS)
    dask = pytest.importorskip("dask.array")
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table(dict(zip("abcdef", ROWS.T, strict=True))), folder / "rows.parquet", row_group_size=123)
    return [
        ROWS,
        [ROWS[500:], ROWS[:500]],
        folder / "rows.npy",
        folder / "rows.parquet",
        dask.from_array(ROWS, chunks=(211, 6)),
    ]


@pytest.mark.filterwarnings("ignore:The :UserWarning")
@pytest.mark.parametrize("model", EMBEDDINGS, **named)
def test_embeddings_in_blocks_are_those_of_the_whole(model, tmp_path, monkeypatch):
    monkeypatch.setattr("cairn.points.blocks.BLOCK_ROWS", 100)
    for source in sources(tmp_path):
        found = fit_blocks(model, source)
        whole = clone(found).fit(ROWS)
        scale = np.abs(whole.transform(ROWS)).max()
        assert_allclose(found.transform(ROWS), whole.transform(ROWS), atol=1e-9 * scale)
        if not isinstance(source, list):
            placed = np.concatenate(list(transform_blocks(found, source)))
            assert_allclose(placed, whole.transform(ROWS), atol=1e-9 * scale)


@pytest.mark.parametrize("model", CLUSTERERS, **named)
def test_clusters_in_blocks_are_those_of_the_whole(model, tmp_path, monkeypatch):
    monkeypatch.setattr("cairn.points.blocks.BLOCK_ROWS", 100)
    for source in sources(tmp_path):
        found = fit_blocks(model, source)
        assert_array_equal(found.predict(ROWS), clone(found).fit(ROWS).labels_)
        if not isinstance(source, list):
            assert_array_equal(np.concatenate(list(predict_blocks(found, source))), found.predict(ROWS))


def test_landmarks_do_not_depend_on_how_the_rows_are_divided(monkeypatch):
    model = LandmarkMDS(n_landmarks=20, random_state=3)
    whole = fit_blocks(model, ROWS, sample=200).landmarks_
    monkeypatch.setattr("cairn.points.blocks.BLOCK_ROWS", 37)
    assert_array_equal(fit_blocks(model, ROWS[::-1].copy(), sample=200).landmarks_, whole)
    other = clone(model).set_params(random_state=4)
    assert not np.array_equal(fit_blocks(other, ROWS, sample=200).landmarks_, whole)


def test_given_landmarks_need_no_sample():
    found = fit_blocks(LandmarkMDS(selector=ROWS[:30]), ROWS)
    assert_array_equal(found.landmarks_, ROWS[:30])


def test_sparse_rows():
    thin = fit_blocks(CLUSTERERS[0], [sparse.csr_array(ROWS[:300]), sparse.csr_array(ROWS[300:])])
    assert adjusted_rand_score(thin.predict(ROWS), fit_blocks(CLUSTERERS[0], ROWS).predict(ROWS)) == 1
    model = LandmarkKernelPCA(selector=ROWS[::20], gamma=0.01)
    placed = fit_blocks(model, sparse.csr_array(ROWS)).transform(ROWS)
    assert_allclose(placed, fit_blocks(model, ROWS).transform(ROWS), atol=1e-6)


def test_float32_is_kept():
    model = fit_blocks(EMBEDDINGS[0], ROWS.astype(np.float32))
    assert model.landmarks_.dtype == np.float32
    assert next(transform_blocks(model, ROWS.astype(np.float32))).dtype == np.float32


def test_a_sample_is_drawn_from_all_rows_and_grows_by_the_seed():
    rows = np.arange(20_000.0)[:, None]
    sample = sample_rows(rows, 1000, random_state=0)
    assert len(np.unique(sample)) == 1000
    assert 9_000 < sample.mean() < 11_000
    overlap = np.isin(sample, sample_rows(rows, 1000, random_state=1)).sum()
    assert overlap < 100  # 50 are expected by chance


def test_the_same_row_a_hundred_thousand_times():
    rows = np.concatenate([np.zeros((100_000, 6)), ROWS])
    found = fit_blocks(LandmarkSpectralClustering(3, n_landmarks=60, random_state=0), rows)
    assert found.n_samples_seen_ == len(rows)


def test_memory_is_that_of_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("cairn.points.blocks.BLOCK_ROWS", 2_000)
    out = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float32, (200_000, 16))
    rng = np.random.default_rng(0)
    for start in range(0, len(out), 10_000):
        out[start : start + 10_000] = rng.normal(size=(10_000, 16))
    del out
    tracemalloc.start()
    try:
        model = fit_blocks(LandmarkKernelPCA(n_landmarks=30, selector="random"), tmp_path / "rows.npy", sample=1000)
        for _ in transform_blocks(model, tmp_path / "rows.npy"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4e6  # the rows are 12.8 MB


def test_what_looks_at_all_rows_together_is_refused():
    for model in (LandmarkIsomap(), LandmarkSpectralEnsemble(), KMeans(), LandmarkMDS(metric="precomputed")):
        with pytest.raises(ValueError, match="cannot be fitted in blocks: fit it on sample_rows"):
            fit_blocks(model, ROWS)


def test_nan_and_other_columns_are_refused():
    holed = ROWS.copy()
    holed[700, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        fit_blocks(CLUSTERERS[0], holed)
    with pytest.raises(ValueError, match="2 features, but LandmarkMDS is expecting 6"):
        list(transform_blocks(fit_blocks(EMBEDDINGS[0], ROWS), ROWS[:, :2]))


PIECES = [ROWS[:400], ROWS[400:450], ROWS[450:]]
IN_ONE_ROUND = [
    LandmarkMDS(selector=ROWS[::20]),
    LandmarkStressMDS(selector=ROWS[::20]),
    LandmarkKernelPCA(selector=ROWS[::20], gamma=0.01),
    LandmarkSpectralEmbedding(selector=ROWS[::20], gamma=0.05),
]


@pytest.mark.filterwarnings("ignore:The graph:UserWarning")
@pytest.mark.parametrize("model", IN_ONE_ROUND, **named)
def test_partial_fit_and_merge_in_any_order(model):
    whole = clone(model).fit(ROWS).transform(ROWS)
    close = {"atol": 1e-9 * np.abs(whole).max()}
    grown = clone(model)
    for piece in PIECES:
        grown.partial_fit(piece)
    assert_allclose(grown.transform(ROWS), whole, **close)
    parts = [clone(model).partial_fit(piece) for piece in reversed(PIECES)]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    assert_allclose(merged.transform(ROWS), whole, **close)
    with pytest.raises(ValueError, match="fitted with other landmarks or settings"):
        merged.merge(clone(model).set_params(selector=ROWS[1::20]).fit(ROWS))
    with pytest.raises(ValueError, match="fitted with other landmarks or settings"):
        merged.merge(clone(model).set_params(n_components=3).fit(ROWS))


def test_what_needs_more_rounds_has_no_partial_fit():
    for model in (LandmarkSpectralEmbedding(), LandmarkDiffusionMap(), LandmarkMDS(metric="precomputed")):
        assert not hasattr(model, "partial_fit")
        assert not hasattr(model, "merge")
    assert RowBlocks(ROWS).n_rows == 900
