"""Landmarks: from labelled points to trained, checked, measured models, in any domain.

Everything public is reachable from here and loaded when it is first used, so that ``import cairn`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cairn.calibration.confidence import Calibration as Calibration
    from cairn.dataset import Dataset as Dataset
    from cairn.detectors import Detector as Detector
    from cairn.detectors import Finder as Finder
    from cairn.detectors import Run as Run
    from cairn.detectors import State as State
    from cairn.detectors import register as register
    from cairn.detectors.checks import check_detector as check_detector
    from cairn.detectors.checks import check_finder as check_finder
    from cairn.detectors.mean_shape import MeanShape as MeanShape
    from cairn.detectors.whole_image import WholeImage as WholeImage
    from cairn.draw import draw_landmarks as draw_landmarks
    from cairn.draw import save_picture as save_picture
    from cairn.errors import InputError as InputError
    from cairn.evaluation.check import Finding as Finding
    from cairn.evaluation.check import Findings as Findings
    from cairn.evaluation.check import check as check
    from cairn.evaluation.compare import compare as compare
    from cairn.evaluation.evaluate import evaluate as evaluate
    from cairn.exchange import export_model as export_model
    from cairn.exchange import import_model as import_model
    from cairn.formats import read as read
    from cairn.formats import write as write
    from cairn.images import Image as Image
    from cairn.images import ImageList as ImageList
    from cairn.images import find_images as find_images
    from cairn.images import read_image as read_image
    from cairn.landmarks import Landmarks as Landmarks
    from cairn.model import Model as Model
    from cairn.model_file import load as load
    from cairn.recipes import train as train
    from cairn.report.figures import Report as Report
    from cairn.report.figures import Score as Score
    from cairn.schemes import scheme as scheme
    from cairn.schemes.learnt import Mapping as Mapping
    from cairn.schemes.mapping import map_scheme as map_scheme
    from cairn.schemes.mixture import mixture as mixture
    from cairn.shape.model import ShapeModel as ShapeModel
    from cairn.shape.plausibility import Plausibility as Plausibility
    from cairn.skeleton import Skeleton as Skeleton
    from cairn.splits import block_split as block_split
    from cairn.splits import split_into as split_into

_HOME = {
    "Calibration": "cairn.calibration.confidence",
    "Dataset": "cairn.dataset",
    "Detector": "cairn.detectors",
    "Finder": "cairn.detectors",
    "Finding": "cairn.evaluation.check",
    "Findings": "cairn.evaluation.check",
    "Image": "cairn.images",
    "ImageList": "cairn.images",
    "InputError": "cairn.errors",
    "Landmarks": "cairn.landmarks",
    "Mapping": "cairn.schemes.learnt",
    "MeanShape": "cairn.detectors.mean_shape",
    "Model": "cairn.model",
    "Plausibility": "cairn.shape.plausibility",
    "Report": "cairn.report.figures",
    "Run": "cairn.detectors",
    "Score": "cairn.report.figures",
    "ShapeModel": "cairn.shape.model",
    "Skeleton": "cairn.skeleton",
    "State": "cairn.detectors",
    "WholeImage": "cairn.detectors.whole_image",
    "block_split": "cairn.splits",
    "check": "cairn.evaluation.check",
    "check_detector": "cairn.detectors.checks",
    "check_finder": "cairn.detectors.checks",
    "compare": "cairn.evaluation.compare",
    "draw_landmarks": "cairn.draw",
    "evaluate": "cairn.evaluation.evaluate",
    "export_model": "cairn.exchange",
    "find_images": "cairn.images",
    "import_model": "cairn.exchange",
    "load": "cairn.model_file",
    "map_scheme": "cairn.schemes.mapping",
    "mixture": "cairn.schemes.mixture",
    "read": "cairn.formats",
    "read_image": "cairn.images",
    "register": "cairn.detectors",
    "save_picture": "cairn.draw",
    "scheme": "cairn.schemes",
    "split_into": "cairn.splits",
    "train": "cairn.recipes",
    "write": "cairn.formats",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cairn-landmarks")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cairn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
