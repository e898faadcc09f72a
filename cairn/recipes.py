"""From labelled data and the time there is to a finished model: what is chosen, and why.

*Recipe.* ``heatmap`` trains a heatmap network (needs torch); ``heatmap-small`` a smaller one, several times as fast;
``ert`` grows regression trees in a minute or two and ``asm`` fits an active shape model, both without torch; ``mean``
is the mean shape in the box, the floor that all must beat, and takes a second.

*Split.* Where the data has a split called ``train``, only that is used. A tenth of it is held out, by whole groups
(pictures and subjects are never parted; of a video a block of consecutive frames): training does not see it, and the
learning curve, the calibration of confidence and the scores on the model's card come from it.

*Finder.* Read off the data, by where the objects are in their pictures: see `cairn.placement`. A finder that is trained
takes 30 % of the minutes; recipes without a network train one only where that is asked for.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Finder, Run
from cairn.detectors.mean_shape import MeanShape
from cairn.detectors.whole_image import WholeImage
from cairn.errors import InputError
from cairn.files import write_whole
from cairn.geometry import boxes as box_geometry
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.placement import Placement, placement
from cairn.report.figures import Score
from cairn.splits import check_leakage

if TYPE_CHECKING:
    from cairn.shape.plausibility import Plausibility

__all__ = ["FINDER_CHOICES", "RECIPES", "check_choices", "train"]

RECIPES = {
    "heatmap": "a heatmap network; accurate, about 10 ms an object on one core",
    "heatmap-small": "a small heatmap network, several times as fast, somewhat less accurate",
    "ert": "regression trees; a fraction of a millisecond an object, grown in minutes, somewhat less accurate",
    "asm": "an active shape model; works from about twenty objects, tens of milliseconds an object",
    "mean": "the mean shape in the box; a floor to compare with, no training",
}
FINDER_CHOICES = ("auto", "whole", "train", "none")

_WITHOUT_NETWORK = ("ert", "asm", "mean")
_HELD_OUT = 0.1
_FINDERS_SHARE = 0.3  # of the minutes
_TREE_SAMPLES = 140_000
_SMALL: dict[str, Any] = {"widths": (16, 32, 64, 96, 96), "blocks": (1, 2, 2, 1), "mirrored": False}


def train(
    dataset: Dataset | str | Path,
    *,
    recipe: str | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    split: str | None = None,
    folder: str | Path | None = None,
    quiet: bool = False,
    finder: str | Finder = "auto",
    device: str = "auto",
    start: Model | None = None,
    name: str = "",
    data_name: str = "",
    allow_leakage: bool = False,
) -> Model:
    """Train a model: choose, fit, calibrate, measure.

    Parameters
    ----------
    dataset : labelled pictures, or the path of such
    recipe : ``heatmap``, ``heatmap-small``, ``ert``, ``asm`` or ``mean``; None is ``heatmap``
    minutes : budget of wall clock time for all training together; the schedule is fitted to it
    steps : of the detector's training (a trained finder takes half as many); replays a run exactly, unlike `minutes`.
        With neither, the data is gone through a fixed number of times
    seed : of every random choice
    split : the split to learn from; where None, ``train`` if the data has it and otherwise all pictures
    folder : for checkpoints and learning curves; a training that was killed continues when it is started again there
    quiet : no progress, no remarks
    finder : ``auto`` (read off the data, see `cairn.placement`), ``whole``, ``train``, ``none``, or one that is
        fitted
    device : ``auto``, ``cpu`` or ``cuda``
    start : a model of the same recipe, of these or other points, from whose weights the detector starts
    name, data_name : for the card
    allow_leakage : train although a subject or a picture is in several splits of the data

    Returns
    -------
    Model : its `card` says what was done, on what, and how good it is on the held-out tenth

    Raises
    ------
    InputError : data, recipe or budget that cannot be used
    """
    started = time.perf_counter()
    say = _silent if quiet else _say
    recipe = check_choices(recipe, minutes, steps, finder, device)
    if seed < 0:
        raise InputError(f"the seed {seed} is negative; give a whole number from 0")
    if isinstance(dataset, (str, Path)):
        from cairn.formats import read

        data_name = data_name or Path(dataset).name
        dataset = read(dataset)
    check_leakage(dataset, allowed=allow_leakage)
    all_rows = len(dataset)
    dataset, split = _training_part(dataset, split)
    dataset = dataset.in_image_order()
    rest, held = _hold_out(dataset, seed)
    where = placement(dataset, seed)
    plan, why = _plan(finder, where, recipe, dataset)
    say(f"data: {len(dataset)} objects of {all_rows}, {split}; {len(held)} of them are held out")
    say(f"recipe {recipe}: {RECIPES[recipe]}")
    say(f"finder: {why}")

    whole = plan == "whole"
    shared = 1 - _FINDERS_SHARE if plan == "train" else 1.0
    _claim(folder, dataset, recipe, plan)
    run = Run(
        seed,
        _part(minutes, shared),
        steps,
        _room(folder, "detector"),
        start=None if start is None else start.detector.state(),
        device=device,
        quiet=quiet,
    )
    validation = held if len(held) else None
    detector = _detector(recipe, whole, len(rest)).fit(rest, validation=validation, run=run)
    fitted = getattr(detector, "runner_", detector)

    boxes_from: Finder | None
    settings: dict[str, Any] = {}
    inherited = [] if start is None else [f"the start model: {_weights_licence(start)}"]
    if isinstance(finder, Finder):
        boxes_from = finder
    elif whole:
        boxes_from = WholeImage()
    elif plan == "train":
        half = None if steps is None else max(steps // 2, 1)
        place = _room(folder, "finder")
        run = Run(seed, _part(minutes, _FINDERS_SHARE), half, place, device=device, quiet=quiet)
        boxes_from, settings = _trained_finder(rest, validation, run)
    elif plan.startswith("borrow "):
        lender = _bundled(plan.removeprefix("borrow "))
        boxes_from = lender.finder
        inherited.append(f"the finder of {plan.removeprefix('borrow ')}: {_weights_licence(lender)}")
    else:
        boxes_from = None

    calibration = plausibility = None
    scores: list[Score] = []
    floor: list[Score] = []
    if len(held):
        from cairn.calibration.confidence import Calibration

        predicted = fitted.predict(held.images, held.boxes)
        share = f"held-out {100 * len(held) / len(dataset):.0f} % of {split}"
        scores = _scores(predicted, held, share)
        if recipe != "mean":
            mean = MeanShape(uses_box=not whole).fit(rest).predict(held.images, held.boxes)
            floor = _scores(mean, held, share)
        if predicted.labelled[held.landmarks.labelled].any():
            calibration = Calibration.fit(predicted, held.landmarks)
            plausibility = _plausibility(rest, predicted, held.landmarks, seed, say)
        for score in scores:
            least = [f"; the mean shape has {f.value:.2f}" for f in floor if f.metric == score.metric]
            say(_words(score) + "".join(least))
    else:
        say("too little data to hold some out: confidence is not calibrated, and nothing was measured")
        plausibility = _plausibility(rest, None, None, seed, say)

    about = {
        "name": name,
        "what": _what(dataset, recipe),
        "data": _data(dataset, data_name, split, len(held)),
        "recipe": {
            "name": recipe,
            "detector": detector.settings(),
            "finder": None if boxes_from is None else type(boxes_from).__name__,
            "finder_settings": settings,
            "finder_because": why,
        },
        "seed": seed,
        "steps": getattr(getattr(detector, "fitted_", None), "steps", None),
        "minutes": round(_training_seconds(detector, started) / 60, 1),
        "machine": _machine(detector),
        "scores": [asdict(s) for s in scores],
        "floor": [asdict(s) for s in floor],
        "licences": _licences(dataset, inherited),
        "created": datetime.date.today().isoformat(),
        "cairn": version("cairn-landmarks"),
    }
    return Model(fitted, dataset.skeleton, boxes_from, calibration, _plain(about), plausibility)


def _plausibility(
    rest: Dataset, predicted: Landmarks | None, truth: Landmarks | None, seed: int, say: Callable[[str], None]
) -> Plausibility | None:
    """The verdict on shapes; None where there is too little to learn it from, and that is said."""
    from cairn.shape.plausibility import Plausibility

    try:
        fitted = Plausibility.fit(rest.landmarks, predicted=predicted, truth=truth, groups=rest.groups(), seed=seed)
    except InputError as error:
        say(f"no verdict on shapes: {error}")
        return None
    shapes, fits = fitted.rows
    say(f"verdict on shapes: from {shapes} shapes and {fits} good held-out fits")
    return fitted


def _what(dataset: Dataset, recipe: str) -> str:
    scheme = f" ({dataset.skeleton.name})" if dataset.skeleton.name else ""
    return f"{len(dataset.skeleton)} points{scheme}; {RECIPES[recipe]}"


def _data(dataset: Dataset, name: str, split: str, held: int) -> dict[str, Any]:
    return {
        "name": name,
        "hash": dataset.content_hash(),
        "objects": len(dataset),
        "pictures": len(dataset.images),
        "held_out": held,
        "split": split,
        "split_by": dataset.split_by,
        "licence": dataset.licence or "not stated",
    }


def _licences(dataset: Dataset, inherited: list[str]) -> dict[str, str | None]:
    data = dataset.licence or "not stated"
    weights = "; as ".join([f"as the data: {data}", *inherited])
    return {"code": "Apache-2.0", "data": data, "weights": weights, "start": "; ".join(inherited) or None}


def _weights_licence(model: Model) -> str:
    return str(model.card.get("licences", {}).get("weights", "not stated"))


def check_choices(
    recipe: str | None, minutes: float | None, steps: int | None, finder: str | Finder = "auto", device: str = "auto"
) -> str:
    """The name of the recipe, where these choices (see `train`) make sense and can be followed here.

    Raises
    ------
    InputError : they do not
    """
    recipe = "heatmap" if recipe is None else recipe
    if recipe not in RECIPES:
        raise InputError(f"there is no recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        raise InputError(f"{minutes:g} minutes cannot be trained; give a number above 0")
    if steps is not None and steps < 1:
        raise InputError(f"{steps} steps cannot be trained; give 1 or more")
    if not isinstance(finder, Finder) and finder not in FINDER_CHOICES:
        raise InputError(f"there is no finder {finder!r}; choose one of {', '.join(FINDER_CHOICES)}")
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"there is no device {device!r}; choose auto, cpu or cuda")
    if (recipe not in _WITHOUT_NETWORK or finder == "train") and importlib.util.find_spec("torch") is None:
        raise InputError(
            'training a network needs torch, which is not installed; pip install "cairn-landmarks[train]" '
            f"(or choose one of the recipes {', '.join(_WITHOUT_NETWORK)}, which need none)"
        )
    return recipe


def _training_part(dataset: Dataset, split: str | None) -> tuple[Dataset, str]:
    """The pictures to learn from, and the name of their split."""
    if split is None and dataset.split is not None and (dataset.split == "train").any():
        split = "train"
    name = "all pictures" if split is None else split
    if split is not None:
        dataset = dataset.of_split(split)
    labels = dataset.landmarks
    sides = box_geometry.sides(labels.boxes)
    upside_down = np.flatnonzero(np.isfinite(labels.boxes).all(axis=1) & (sides < 0).any(axis=1))
    if len(upside_down):
        where = dataset.images.label(int(labels.image_index[upside_down[0]]))
        raise InputError(
            f"{where}: a box is upside down ({', '.join(f'{v:g}' for v in labels.boxes[upside_down[0]])}); "
            "boxes are x0, y0, x1, y1 with x0 < x1 and y0 < y1"
        )
    if not (labels.labelled.any(axis=1) & box_geometry.is_valid(labels.boxes)).any():
        raise InputError(
            "the data has no object with both a labelled point and a box with an area, so there is nothing to learn "
            "from; points without a box get the box around them, which has no area around a single point"
        )
    return dataset, name


def _hold_out(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Most of the pictures, and those of about a tenth of the groups; pictures without an object stay in the first."""
    rng = np.random.default_rng(seed)
    images = np.arange(len(dataset.images))
    if dataset.frame is not None and len(np.unique(dataset.frame)) == len(images) >= 10:
        order = np.argsort(dataset.frame, kind="stable")  # neighbours in time look alike: one block of them
        length = round(_HELD_OUT * len(order))
        start = int(rng.integers(len(order) - length + 1))
        held = order[start : start + length]
    else:
        groups = dataset.groups()
        count = int(groups.max()) + 1
        if count < 4:
            return dataset, dataset.take_images([])
        drawn = rng.permutation(count)[: max(round(_HELD_OUT * count), 1)]
        held = np.unique(dataset.landmarks.image_index[np.isin(groups, drawn)])
    return dataset.take_images(np.setdiff1d(images, held)), dataset.take_images(np.sort(held))


def _plan(finder: str | Finder, where: Placement, recipe: str, dataset: Dataset) -> tuple[str, str]:
    """What to do about the finder (``whole``, ``train``, ``none``, ``borrow NAME``), and the reason in words."""
    if isinstance(finder, Finder):
        return "given", "the one that was given"
    if finder != "auto":
        return finder, f"{finder}, as was asked for"
    kind = where.finder
    if kind == "whole":
        return "whole", f"{where}: the picture is the box"
    network = recipe not in _WITHOUT_NETWORK
    known = _bundled_for(dataset) if kind == "cut out" or not network else None
    if kind == "cut out":
        seen = f"{where}: the pictures were cut out around their labels"
        if known is not None:
            return f"borrow {known}", f"{seen}, so the detector learns from boxes and the finder of {known} is used"
        if network:
            return "train", f"{seen}; a finder is trained on them, but whole pictures would make a better one"
        return "none", f"{seen}, so boxes must be given"
    if network:
        return "train", f"{where}: one is trained"
    if known is not None:
        return f"borrow {known}", f"{where}: that of {known} is used"
    return "none", f"{where}, and the recipe {recipe} trains none unless it is asked for, so boxes must be given"


def _bundled_for(dataset: Dataset) -> str | None:
    """A bundled model with a finder for the same points."""
    from cairn.model_file import bundled, load

    wanted = dataset.skeleton.name
    if wanted in bundled():
        model = load(wanted)
        if model.finder is not None and model.skeleton.names == dataset.skeleton.names:
            return wanted
    return None


def _bundled(name: str) -> Model:
    from cairn.model_file import load

    return load(name)


def _detector(recipe: str, whole: bool, objects: int) -> Detector:
    if recipe == "mean":
        return MeanShape(uses_box=not whole)
    if recipe == "asm":
        from cairn.detectors.asm.detector import Asm

        return Asm(uses_box=not whole)
    if recipe == "ert":
        from cairn.detectors.ert.detector import Ert

        # Trees learn from variety: the fewer the objects, the more often each is seen, always a little differently.
        return Ert(uses_box=not whole, oversampling=min(max(round(_TREE_SAMPLES / max(objects, 1)), 20), 400))
    from cairn.neural.heatmap import HeatmapNet

    settings: dict[str, Any] = dict(_SMALL) if recipe == "heatmap-small" else {}
    if whole:
        settings |= {"uses_box": False, "scale": 1.0}  # there is nothing to see around a whole picture
    return HeatmapNet(**settings)


def _trained_finder(rest: Dataset, validation: Dataset | None, run: Run) -> tuple[Finder, dict[str, Any]]:
    from cairn.neural.finder import CenterNet

    net = CenterNet().fit(rest, validation=validation, run=run)
    return getattr(net, "runner_", net), net.settings()


def _scores(predicted: Landmarks, truth: Dataset, split: str) -> list[Score]:
    """NME and mean error on the held-out rows, with intervals over groups."""
    from cairn.calibration.confidence import reference_lengths
    from cairn.metrics.bootstrap import interval
    from cairn.metrics.distance import point_errors
    from cairn.metrics.nme import mean_of_found, nme

    labels = truth.landmarks
    names = tuple(labels.skeleton.normalisers)
    spacing = truth.spacing
    scale = np.ones(2) if spacing is None else np.asarray(spacing, float)[: labels.points.shape[-1]]
    errors = point_errors(predicted.points * scale, labels.points * scale)
    counted = np.isfinite(errors)
    total, count = np.where(counted, errors, 0).sum(axis=1), counted.sum(axis=1)
    radial = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    relative = 100 * nme(predicted.points, labels.points, reference_lengths(labels))
    scores = []
    for metric, normaliser, unit, values in (
        ("nme", names[0] if names else "box_size", "percent", relative),
        ("mre", "", "px" if spacing is None else "mm", radial),
    ):
        found = np.isfinite(values)
        low, high = interval(values[found], truth.groups()[found], seed=0) if found.any() else (math.nan, math.nan)
        scores.append(
            Score(metric, normaliser, "given", split, unit, int(found.sum()), mean_of_found(values), low, high)
        )
    return scores


def _words(score: Score) -> str:
    of = f" of {score.normaliser}" if score.normaliser else ""
    interval = "" if math.isnan(score.low) else f" ({score.low:.2f} to {score.high:.2f})"
    return f"{score.metric} {score.value:.2f}{interval} {score.unit}{of}, boxes {score.boxes}, {score.n} {score.split}"


def _part(minutes: float | None, share: float) -> float | None:
    return None if minutes is None else minutes * share


def _room(folder: str | Path | None, name: str) -> Path | None:
    return None if folder is None else Path(folder) / name


def _claim(folder: str | Path | None, dataset: Dataset, recipe: str, plan: str) -> None:
    """Say in the folder whose checkpoints it holds, so that nobody continues a training on other data by mistake."""
    if folder is None:
        return
    folder = Path(folder)
    mine = json.dumps({"data": dataset.content_hash(), "recipe": recipe, "finder": plan}, indent=1)
    note = folder / "training.json"
    if note.exists() and note.read_text(encoding="utf-8") != mine:
        raise InputError(f"{folder} holds a training on other data or by another recipe; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(note, mine)


def _training_seconds(detector: Detector, started: float) -> float:
    """Of the detector's training, with what was spent before it was continued; of everything where nothing is timed."""
    fitted = getattr(detector, "fitted_", None)
    return time.perf_counter() - started if fitted is None else fitted.seconds


def _machine(detector: Detector) -> str:
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    fitted = getattr(detector, "fitted_", None)
    return where if fitted is None else f"{where}, {fitted.device} {fitted.precision}"


def _plain(value: Any) -> Any:
    """JSON without NaN: what is not known is null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _silent(sentence: str) -> None:
    pass
