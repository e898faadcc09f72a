"""Models from other tools, and for them: dlib's shape predictors both ways, heatmap networks as ONNX.

What the other tool's file cannot hold is said in sentences, never dropped in silence.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.errors import InputError
from cairn.files import write_whole
from cairn.model import Model
from cairn.schemes import recognise, scheme
from cairn.skeleton import Skeleton

if TYPE_CHECKING:
    from cairn.detectors.contract import Finder
    from cairn.detectors.ert.detector import Ert
    from cairn.detectors.ert.dlib_predictor import DlibPredictor
    from cairn.detectors.heatmap import Heatmap

__all__ = ["EXPORTS", "export_model", "import_model"]

EXPORTS = {"dlib": ".dat", "onnx": ".onnx"}
"""What a model can be exported to, and the ending of such files."""


def import_model(
    path: str | Path,
    *,
    points: str | Skeleton | None = None,
    finder: str | Path | None = None,
    tight: bool | None = None,
    nudge: float = 0.05,
    licence: str = "",
) -> Model:
    """A model from dlib's shape predictor, without dlib.

    It finds in a box what dlib finds in the same rectangle, before dlib rounds to whole pixels. See
    `cairn.detectors.ert.dlib_predictor.DlibPredictor` for `nudge` and `tight`.

    Parameters
    ----------
    path : ``.dat``, or packed as ``.dat.bz2``
    points : a scheme's name (``face68``) or a skeleton; where None, 68 points are face68 and others p0, p1, ...
    finder : a model of the same points whose finder is borrowed, by name or file; where None, boxes must be given
    tight : whether the boxes that it will be given lie tight around the points, as cairn's labels and finders have
        them, or as in dlib's training; where None, tight if a finder is borrowed
    nudge : how far the box is moved to see how much the answer hangs on it, in box sides; 0 is faster, without spread
    licence : of the predictor, for the model's card; its file says nothing of it

    Raises
    ------
    InputError : no such file, or none that dlib's trainer could have written; points of another number
    """
    from cairn.detectors.ert.dlib_file import read_dlib
    from cairn.detectors.ert.dlib_predictor import DlibPredictor

    path = Path(path)
    if not 0 <= nudge < 1:
        raise InputError(f"nudge {nudge:g}: expected a share of the box's sides, from 0 to below 1")
    cascade = read_dlib(path)
    skeleton = _skeleton(points, cascade.n_points, path)
    lent = None if finder is None else _finder_of(finder, skeleton, path)
    tight = lent is not None if tight is None else tight
    if tight and not (cascade.mean.max(axis=0) > cascade.mean.min(axis=0)).all():
        raise InputError(f"{path}: its mean shape has no width or no height, so no box lies tight around it")
    named = f" ({skeleton.name})" if skeleton.name else ""
    about: dict[str, Any] = {
        "name": path.name.split(".")[0],
        "what": f"{len(skeleton)} points{named}; regression trees from dlib",
        "imported": {"from": "dlib", "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        "licences": {"code": "Apache-2.0", "weights": licence or f"not stated: as {path.name}"},
        "created": datetime.date.today().isoformat(),
        "cairn": version("cairn-landmarks"),
    }
    return Model(DlibPredictor.of(cascade, skeleton, nudge=nudge, tight=tight), skeleton, lent, None, about)


def export_model(model: Model, path: str | Path, *, to: str | None = None) -> list[str]:
    """Write a model as another tool's file.

    Parameters
    ----------
    path : dlib's ``.dat``, or ``.onnx``, beside which a ``.json`` of the same name says what goes in and comes out
    to : ``dlib`` (models of regression trees) or ``onnx`` (heatmap networks); where None, by the ending

    Returns
    -------
    list of sentences, what the file cannot hold

    Raises
    ------
    InputError : a model that this tool cannot run, or a file that cannot be written
    """
    from cairn.detectors.ert.detector import Ert
    from cairn.detectors.ert.dlib_predictor import DlibPredictor
    from cairn.detectors.heatmap import Heatmap

    path = Path(path)
    if to is None:
        to = next((name for name, ending in EXPORTS.items() if path.suffix == ending), None)
        if to is None:
            raise InputError(f"{path}: the ending does not say for which tool; say --to {' or --to '.join(EXPORTS)}")
    if to not in EXPORTS:
        raise InputError(f"there is no export to {to!r}; choose one of {', '.join(EXPORTS)}")
    detector = getattr(model.detector, "runner_", None) or model.detector
    kind = type(detector).__name__
    if to == "onnx":
        if not isinstance(detector, Heatmap):
            raise InputError(f"{path}: not written, because only heatmap networks are ONNX graphs and this is a {kind}")
        return [*_write_onnx(detector, path), *_chain_lost(model)]
    if isinstance(detector, DlibPredictor):
        lost = _write_predictor(detector, path)
    elif isinstance(detector, Ert):
        lost = _write_trees(detector, path)
    else:
        raise InputError(f"{path}: not written, because dlib runs regression trees only and this model is a {kind}")
    if model.skeleton.names != Skeleton(_numbered(len(model.skeleton))).names:
        lost.append("the points' names: dlib's parts have numbers, in the same order")
    return [*lost, *_chain_lost(model)]


def _skeleton(points: str | Skeleton | None, k: int, path: Path) -> Skeleton:
    if points is None:
        return recognise(k=k) or Skeleton(_numbered(k))
    skeleton = scheme(points) if isinstance(points, str) else points
    if len(skeleton) != k:
        raise InputError(f"{path}: has {k} points, but {skeleton.name or 'the skeleton given'} has {len(skeleton)}")
    return skeleton


def _numbered(k: int) -> tuple[str, ...]:
    return tuple(f"p{i}" for i in range(k))


def _finder_of(lender: str | Path, skeleton: Skeleton, path: Path) -> Finder:
    from cairn.model_file import load

    model = load(lender)
    if model.finder is None:
        raise InputError(f"{lender}: has no finder to lend; name a model with one, or give boxes")
    if model.skeleton.names != skeleton.names:
        raise InputError(
            f"{lender}: finds boxes around {len(model.skeleton)} points, not the {len(skeleton)} of {path.name}; "
            "its boxes would not lie as the trees expect, so name a model of the same points"
        )
    return model.finder


def _chain_lost(model: Model) -> list[str]:
    """The parts of the chain that go with no detector."""
    parts = {
        "finder": "the finder: boxes must come from elsewhere, and lie as this model's do",
        "calibration": "the calibration of confidence",
        "plausibility": "the verdict on each shape, and its repair",
    }
    return [sentence for name, sentence in parts.items() if getattr(model, name, None) is not None]


def _write_predictor(detector: DlibPredictor, path: Path) -> list[str]:
    from cairn.detectors.ert.dlib_file import write_dlib

    write_dlib(detector.cascade_, path)
    lost = []
    if detector.tight:
        lost.append("that boxes are tight: dlib's must lie as in the predictor's own training")
    if detector.nudge:
        lost.append("confidence and covariance: dlib gives points alone")
    return lost


def _write_trees(detector: Ert, path: Path) -> list[str]:
    from cairn.detectors.ert.dlib_file import write_dlib

    write_dlib(detector.cascade_, path)
    lost = [
        "confidence and covariance: dlib gives points alone",
        "fractions of pixels: dlib rounds its points",
        f"the patch of {detector.size} px a box that these trees see, in weighted grey: dlib looks at the picture's "
        "own pixels and their plain mean, so the error may grow where a box has many more or fewer",
    ]
    if detector.turned:
        lost.append("that moves turn with the shape: dlib adds them upright, so the error grows on turned objects")
    if detector.starts > 1 or detector.mirrored:
        lost.append("looks through several boxes or in the mirror: dlib looks once, so the error grows")
    if detector.second:
        lost.append("the second look from a better box: dlib's answer hangs more on the box")
    if not detector.uses_box:
        lost.append("that the box is the whole picture: give dlib the whole picture as its rectangle")
    missing = [n for n, known in zip(detector.skeleton_.names, detector.known_, strict=True) if not known]
    if missing:
        lost.append(f"points that were never labelled: dlib's parts leave out {', '.join(missing)}")
    return lost


def _write_onnx(detector: Heatmap, path: Path) -> list[str]:
    about = path.with_suffix(".json")
    if about == path:
        raise InputError(f"{path}: expected a name that ends in .onnx, because the .json is written beside it")
    size, scale = detector.input_size, detector.scale
    box = "the box" if detector.uses_box else "the whole picture (-0.5, -0.5, width - 0.5, height - 0.5)"
    sides = {
        "format": "cairn network",
        "version": 1,
        "coordinates": "pixels, 0 at the centre of the first one, x to the right, y down",
        "input": {"type": "uint8", "shape": ["batch", size, size, 3], "axes": "batch, y, x, RGB"},
        "square": {
            "of": box,
            "side": f"{scale:g} times the longer side of the box, about the middle of the box",
            "scale": scale,
            "size": size,
            "map": "square = (picture - middle) * size / side + (size - 1) / 2",
            "sampling": "bilinear, black outside; shrunk more than twice, whole blocks of pixels are averaged first",
        },
        "output": {
            "shape": ["batch", len(detector.skeleton_), 6],
            "columns": ["x", "y", "variance of x", "variance of y", "covariance", "highest probability of the map"],
            "units": "px of the square",
        },
        "add_to_points": detector.handedness_.tolist(),
        "skeleton": detector.skeleton_.to_json(),
    }
    write_whole(path, detector.graph_.data)
    write_whole(about, json.dumps(sides, indent=1))
    lost = [f"the cutting of squares and the way back into the picture: {about.name} says how, your program must do it"]
    if detector.mirrored:
        lost.append(
            "the second look in the mirror: run the mirrored square too and average, or the error grows a little"
        )
    return lost
