import builtins
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from cairn.points import RowBlocks, write_blocks

ROWS = np.random.default_rng(0).normal(size=(103, 5))


def parquet(path, rows, **how):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({f"c{i}": column for i, column in enumerate(rows.T)}), path, **how)
    return path


def together(data, **how):
    return np.concatenate([b.toarray() if sparse.issparse(b) else b for b in RowBlocks(data, **how)])


def test_every_row_comes_once_and_in_order_whatever_the_source(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    sources = [
        ROWS,
        ROWS.tolist(),
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        tmp_path / "rows.npy",
        str(tmp_path / "rows.npy"),
        sparse.csr_array(ROWS),
        [ROWS[:40], ROWS[40:]],
    ]
    for source in sources:
        assert_array_equal(together(source, rows=17), ROWS)
        blocks = RowBlocks(source, rows=17)
        assert (blocks.n_rows, blocks.n_columns) == ROWS.shape
        assert max(block.shape[0] for block in blocks) <= 17
        assert_array_equal(np.cumsum([0, *[p.rows for p in blocks.pieces][:-1]]), [p.first for p in blocks.pieces])


def test_a_block_holds_no_more_numbers_than_is_said():
    wide = RowBlocks(np.zeros((100, 1 << 20), np.float32))
    assert max(len(block) for block in wide) == 4


def test_parquet_by_row_groups_and_batches(tmp_path):
    path = parquet(tmp_path / "rows.parquet", ROWS, row_group_size=40)
    blocks = RowBlocks(path, rows=17)
    assert [piece.rows for piece in blocks.pieces] == [40, 40, 23]
    assert_array_equal(together(path, rows=17), ROWS)
    assert_array_equal(together(path, columns=["c3", "c1"]), ROWS[:, [3, 1]])


def test_a_folder_of_parquet_is_read_in_order_of_names(tmp_path):
    parquet(tmp_path / "b.parquet", ROWS[50:])
    parquet(tmp_path / "a.parquet", ROWS[:50])
    assert_array_equal(together(tmp_path), ROWS)


def test_parquet_with_a_column_of_vectors(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(ROWS[:, :4].ravel(), pyarrow.float32()), 4)
    write_table(pyarrow.table({"vector": vectors}), tmp_path / "v.parquet", row_group_size=30)
    assert_array_equal(together(tmp_path / "v.parquet", rows=7), ROWS[:, :4].astype(np.float32))


def test_dask_arrays():
    dask = pytest.importorskip("dask.array")
    blocks = RowBlocks(dask.from_array(ROWS, chunks=(30, 2)), rows=17)
    assert [piece.rows for piece in blocks.pieces] == [30, 30, 30, 13]
    assert_array_equal(np.concatenate(list(blocks)), ROWS)


def test_float32_is_kept_and_whole_numbers_become_float64(tmp_path):
    assert together(ROWS.astype(np.float32)).dtype == np.float32
    assert together(np.arange(12).reshape(4, 3)).dtype == np.float64
    assert together(parquet(tmp_path / "f.parquet", ROWS.astype(np.float32))).dtype == np.float32
    assert together(parquet(tmp_path / "i.parquet", np.arange(12).reshape(4, 3))).dtype == np.float64


def test_a_piece_of_a_file_travels_as_its_name(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    piece = RowBlocks(tmp_path / "rows.npy", rows=50).pieces[1]
    assert len(pickle.dumps(piece)) < 500
    assert_array_equal(next(pickle.loads(pickle.dumps(piece)).blocks(50)), ROWS[50:100])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: np.zeros(3), "expected numbers in two dimensions, found float64 of shape \\(3,\\)"),
        (lambda folder: np.zeros((0, 3)), "has no rows"),
        (lambda folder: np.array([["a", "b"]]), "expected numbers in two dimensions"),
        (lambda folder: folder / "rows.csv", r"are read from .npy and .parquet files"),
        (lambda folder: folder, "the folder holds no .parquet files"),
        (lambda folder: (np.zeros((2, 2)) for _ in range(2)), "which a generator does not allow"),
        (lambda folder: [ROWS, ROWS[:, :2]], "different numbers of columns: 2, 5"),
    ],
)
def test_what_is_no_rows_is_refused(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        RowBlocks(make(tmp_path))


def test_columns_that_are_not_there_or_hold_words(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"a": [1.0, 2.0], "name": ["x", "y"]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"column 'name' holds string, not numbers: name the columns to take"):
        RowBlocks(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="has no column 'b'; it has a, name"):
        RowBlocks(tmp_path / "t.parquet", columns=["b"])
    parquet(tmp_path / "u.parquet", ROWS)
    with pytest.raises(ValueError, match=r"t.parquet: column|u.parquet: has other columns than t.parquet"):
        RowBlocks(tmp_path, columns=None)


def test_without_pyarrow_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    true_import = builtins.__import__

    def no_pyarrow(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_pyarrow)
    with pytest.raises(ImportError, match=r"needs pyarrow, which is not installed: pip install 'cairn-landmarks\[parq"):
        RowBlocks(tmp_path / "rows.parquet")


def test_blocks_are_written_whole_or_not_at_all(tmp_path):
    write_blocks(iter([ROWS[:50], ROWS[50:]]), tmp_path / "out.npy", len(ROWS))
    assert_array_equal(np.load(tmp_path / "out.npy"), ROWS)
    with pytest.raises(ValueError, match="the blocks hold 50 rows, 103 were said"):
        write_blocks(iter([ROWS[:50]]), tmp_path / "short.npy", len(ROWS))
    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]
