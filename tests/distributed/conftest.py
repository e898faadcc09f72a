import logging

import pytest


@pytest.fixture(scope="session")
def cluster():
    """Ray with one CPU, started once for all tests."""
    ray = pytest.importorskip("ray")
    from cairn.distributed.cluster import connect

    ray.init(
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        object_store_memory=100 << 20,
    )
    connect()
    yield ray
    ray.shutdown()
