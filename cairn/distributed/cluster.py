"""The connection to Ray: one that is there, or workers on this machine."""

from __future__ import annotations

import logging
import os
from typing import Any

from cairn.errors import InputError

__all__ = ["connect"]


def connect(workers: int | None = None) -> Any:
    """Ray, running, with the package and this process's paths known to its workers.

    A cluster that is connected already is used as it is, so is one that the environment variable ``RAY_ADDRESS`` names.

    Parameters
    ----------
    workers : CPUs to use where Ray is started here; None takes all

    Raises
    ------
    InputError : Ray is not installed
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError(
            "Ray is not installed; install it with: pip install 'cairn-landmarks[ray]', or work without it"
        ) from None
    if not ray.is_initialized():
        settings: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
        if not os.environ.get("RAY_ADDRESS"):
            settings |= {"num_cpus": workers}
        ray.init(**settings)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    for name in ("ray.data", "ray.data._internal.execution.streaming_executor"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what fails is told by us, in one sentence each
    return ray
