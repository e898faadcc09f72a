import logging

import pytest

from tests.cli.conftest import write_pictures


@pytest.fixture(scope="module")
def workers():
    ray = pytest.importorskip("ray")
    started = not ray.is_initialized()
    if started:
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=100 << 20,
        )
    yield
    if started:
        ray.shutdown()


def test_a_folder_and_a_parquet_file_on_ray_give_the_points_of_this_process(workers, cairn, kite_model, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    folder = write_pictures(tmp_path / "specimens", 5)
    assert cairn("detect", folder, "--model", kite_model, "--out", "here.csv").code == 0
    result = cairn("detect", folder, "--model", kite_model, "--on", "ray", "--out", "there.csv")
    assert result.code == 0, result.err
    assert "kite004.png: 1 found" in result.out
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()
    files = sorted(folder.iterdir())
    table = {"path": [f"specimens/{f.name}" for f in files], "bytes": [f.read_bytes() for f in files]}
    write_table(pyarrow.table(table), tmp_path / "p.parquet")
    result = cairn("detect", "p.parquet", "--model", kite_model, "--on", "ray", "--out", "parquet.csv")
    assert result.code == 0, result.err
    assert (tmp_path / "parquet.csv").read_text() == (tmp_path / "here.csv").read_text()
    assert not list(tmp_path.glob(".*.parts"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--on", "spark"), "--on spark: expected here or ray"),
        (("--on", "ray", "--draw"), "writes points, not pictures"),
        (("--on", "ray", "--workers", "0"), "--workers 0: expected at least 1"),
        (("--on", "ray", "--out", "all.png"), "one picture cannot hold many"),
    ],
)
def test_refusals(cairn, kite_model, tmp_path, arguments, message):
    folder = write_pictures(tmp_path / "specimens", 2)
    result = cairn("detect", folder, "--model", kite_model, *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_parquet_becomes_csv(cairn, kite_model, tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"PAR1")
    result = cairn("detect", "p.parquet", "--model", kite_model, "--on", "ray", "--json")
    assert result.code == 2
    assert "written as CSV" in result.err
