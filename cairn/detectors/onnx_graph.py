"""A network as an ONNX graph, run by ONNX Runtime on the CPU."""

from __future__ import annotations

import os

import numpy as np

from cairn.errors import InputError

__all__ = ["OnnxGraph"]


class OnnxGraph:
    """One graph with one input and any number of outputs; the session is made when it is first run.

    Parameters
    ----------
    data : the serialised graph, with all of its weights inside
    """

    def __init__(self, data: bytes):
        self.data = data
        self._session = None

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        """The outputs for one batch.

        Raises
        ------
        InputError : the bytes are no graph that ONNX Runtime accepts
        """
        session = self._session or self._open()
        return session.run(None, {session.get_inputs()[0].name: batch})

    def _open(self):
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        try:
            options = onnxruntime.SessionOptions()
            # Workers that share a machine are told so by this variable (Ray sets it); it may be a list, one for each
            # level of nesting (OpenMP 5, 6.2). 0 is all cores.
            threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
            options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
            self._session = onnxruntime.InferenceSession(self.data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(
                f"the network in the model file cannot be run by ONNX Runtime ({type(error).__name__}); "
                "the file is damaged or was made by a newer version"
            ) from None
        return self._session

    def __deepcopy__(self, memo: dict) -> OnnxGraph:
        return OnnxGraph(self.data)

    def __getstate__(self) -> dict:
        return {"data": self.data, "_session": None}
