"""The detector: an ensemble of regression trees for each of several stages (Kazemi & Sullivan, CVPR 2014).

"One Millisecond Face Alignment with an Ensemble of Regression Trees": a shape is moved, stage by stage, by trees that
compare pairs of pixels near its points. Hyper-parameters carry the paper's symbols. The picture may be seen several
times, through boxes that are a little off and in the mirror: the points are the medians, and their spread goes into the
covariance.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.balance import shares
from cairn.detectors.contract import Detector, Run, State
from cairn.detectors.ert.appearance import Appearance, learn_appearance
from cairn.detectors.ert.cascade import Cascade
from cairn.detectors.ert.patches import grey_patch
from cairn.detectors.ert.samples import Objects, box_frames, draw_samples, read_objects
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.progress import progress
from cairn.skeleton import Skeleton

__all__ = ["Ert", "Fitted"]

_TRAINING_MARGIN = 0.6  # of the patches, since boxes are jittered in training
_DOUBT = 0.03  # standard deviation between views, in units of the box, that halves confidence or so
_WHOLE = np.array([[1.0, 0, 0], [0, 1, 0]])
_RING, _RING_ZOOM = 0.04, 0.03  # of the other boxes that a picture is looked at through
_PARALLEL = 8  # rows from which on the cores share the work
_AT_ONCE = 256  # rows whose patches are held in memory together
_lock = threading.Lock()  # some of numba's thread pools may be entered by one thread at a time only


@dataclass(frozen=True)
class Fitted:
    """What a training was: trees in all, and its time."""

    steps: int
    seconds: float
    device: str = "cpu"
    precision: str = "int16"


@dataclass
class Ert(Detector):
    """Points by regression trees.

    Parameters
    ----------
    depth : F, of each tree (dlib 4 splits deep, as here)
    stages : T, of the cascade
    trees : K, of each stage
    pixels : P, that a stage looks at
    reach, last_reach : how far from the points the first and the last stage look for pixels (standard deviation, units
        of the box); a reach of 0 draws them evenly over the mean shape's rectangle, as dlib does
    oversampling : R, samples of each training object, more of those with rare points (`cairn.detectors.balance`)
    shrinkage : nu, of each tree's answer
    prior : lambda of the exponential prior on the distance of two pixels, in units of the box
    tests : S, candidate splits of each node
    components : of the residual that choose a split, drawn for each tree; 0: all
    share : of the samples that choose a tree's splits; all of them fill its leaves
    averaging : trees that are grown to the same residuals and averaged
    rank : principal moves of which leaves are sums (where no label is missing); 0: leaves hold every coordinate
    leaves : ``int8`` (with scales) or ``float32``
    turned : leaves are moves in the frame of the mean shape (dlib: False, in that of the box)
    shift, zoom, aspect : jitter of the training boxes: standard deviation of the place in box sides, of the log size
        and of the log aspect
    turn : standard deviation of the angle by which training pictures are turned, degrees
    wander : largest share of another object's shape in the start of a sample
    both_sides : also learn from mirror images, where the skeleton has a flip
    starts : boxes through which a picture is looked at: the one that is given, and others a little off
    mirrored : also look at the mirrored picture
    mirror_stage : from this stage on; what the stages before find is shared, which costs less
    second : look again from the box that the points imply, where that is further off than this (units of the box);
        0: never
    size : px of a side of the box as trees see it; 0: they see the picture's own pixels, as dlib's do
    margin : seen around the box, in units of the box
    uses_box : False looks at the whole picture, whatever the box says
    """

    depth: int = 4
    stages: int = 10
    trees: int = 500
    pixels: int = 400
    reach: float = 0.3
    last_reach: float = 0.05
    oversampling: int = 20
    shrinkage: float = 0.1
    prior: float = 0.1
    tests: int = 20
    components: int = 8
    share: float = 1.0
    averaging: int = 1
    rank: int = 48
    leaves: str = "int8"
    turned: bool = False
    shift: float = 0.06
    zoom: float = 0.06
    aspect: float = 0.03
    turn: float = 5.0
    wander: float = 1.0
    both_sides: bool = True
    starts: int = 1
    mirrored: bool = True
    mirror_stage: int = 2
    second: float = 0.05
    size: int = 96
    margin: float = 0.25
    uses_box: bool = True  # type: ignore[misc]

    skeleton_: Skeleton = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    cascade_: Cascade = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    known_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    extent_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    spread_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    appearance_: Appearance | None = field(default=None, init=False, repr=False)
    fitted_: Fitted | None = field(default=None, init=False, repr=False)

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Grow the trees; `run.steps` is their number in all, `run.minutes` grows fewer where there is no time for all.

        Raises
        ------
        InputError : no row has both a box and a point, or a hyper-parameter cannot be used
        """
        from threadpoolctl import threadpool_limits

        self._check()
        with threadpool_limits(1, "blas"):  # whose sums would depend on the number of threads
            return self._fit(dataset, validation, run)

    def _fit(self, dataset: Dataset, validation: Dataset | None, run: Run) -> Self:
        from cairn.detectors.ert.boosting import Growth, boost

        began = time.perf_counter()
        rng = np.random.default_rng(run.seed)
        objects = read_objects(dataset, not self.uses_box, self.size, _TRAINING_MARGIN)
        known = np.isfinite(objects.points).all(axis=-1).any(axis=0)
        objects = objects.of_points(known)
        flip = dataset.skeleton.of_points(known).left_right if self.both_sides else None
        mean = objects.mean(flip)
        jitter = (self.shift, self.zoom, self.aspect)
        each = np.maximum(1, np.round(self.oversampling * shares(objects.points))).astype(int)
        samples = draw_samples(objects, each, mean, flip, jitter, np.deg2rad(self.turn), self.wander, rng)
        trees = self.trees if run.steps is None else max(run.steps // self.stages, 1)
        growth = Growth(**{f.name: getattr(self, f.name) for f in fields(Growth) if f.name != "trees"}, trees=trees)
        seconds = None
        if run.minutes is not None and run.steps is None:
            seconds = max(60 * run.minutes - (time.perf_counter() - began), 1.0)
        with progress("growing trees", self.stages * trees, quiet=run.quiet) as advance:
            cascade = boost(samples, objects.patches, mean, growth, rng, seconds=seconds, advance=advance)
        self.skeleton_, self.cascade_, self.known_ = dataset.skeleton, cascade, known
        shapes = np.where(np.isfinite(objects.points), objects.points, mean)
        self.extent_ = box_geometry.around(shapes).mean(axis=0)
        self._prepare()
        self._learn_doubt(objects, validation, flip, rng)
        self.fitted_ = Fitted(cascade.n_stages * cascade.n_trees, time.perf_counter() - began)
        return self

    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """See `Detector.predict`; the search starts from `init` (NaN: from the mean) where that is given."""
        from cairn.detectors.ert.search import into_pixels

        given, index = box_geometry.stacked(boxes)
        k = len(self.skeleton_)
        points, covariance = np.empty((len(index), k, 2)), np.empty((len(index), k, 2, 2))
        points[:], covariance[:] = np.nan, np.nan
        confidence = np.zeros((len(index), k))
        rows: list[int] = []
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        frames: list[np.ndarray] = []

        def flush() -> None:
            if rows:
                box = np.array(frames)
                starts = None if init is None else self._unit_starts(init[rows], box)
                if len(seen) == 1:
                    patches, places = seen[0][0][None], seen[0][1][None]
                else:
                    patches, places = (np.stack(part) for part in zip(*seen, strict=True))
                found, between, looks = self._search(patches, places, starts)
                answer = points, covariance, confidence
                into_pixels(box, found, between, self.spread_, looks, _DOUBT, np.array(rows), self._columns, *answer)
                rows.clear()
                seen.clear()
                frames.clear()

        last, pixels = -1, np.empty((0, 0, 3), np.uint8)
        for row, i in enumerate(index.tolist()):
            if i != last:
                last, pixels = i, images[i].rgb()
            box = given[row] if self.uses_box else box_geometry.whole(*pixels.shape[1::-1])[0]
            if _usable(box):
                rows.append(row)
                seen.append(grey_patch(pixels, box, self.size, self.margin))
                frames.append(box)
                if len(rows) == _AT_ONCE:
                    flush()
        flush()
        return Landmarks(self.skeleton_, points, given, index, confidence=confidence, covariance=covariance)

    def _search(
        self, patches: np.ndarray, places: np.ndarray, starts: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (N, K', 2) and their covariance (N, K', 2, 2) in units of the box; how they look (N,), in [0, 1].

        Parameters
        ----------
        patches, places : (N, S, S) and (N, 2, 3), of `grey_patch`
        starts : (N, K', 2) in units of the box, or None: the mean shape in each view's box
        """
        from cairn.detectors.ert.search import judge, search, search_in_parallel

        n, k = len(patches), self.cascade_.n_points
        points, between = np.empty((n, k, 2), np.float32), np.empty((n, k, 2, 2))
        start = np.empty((n, 0, 2)) if starts is None else starts
        branch = min(self.mirror_stage, self.cascade_.n_stages - 1)
        how = (self._view_frames, self._flip_array, branch, start, self.second, self.extent_, self.turned)
        if n < _PARALLEL:
            search(patches, places, *how, points, between, self._program)
        else:
            with _lock:
                search_in_parallel(patches, places, *how, points, between, self._program)
        look = self.appearance_
        if look is None:
            return points, between, np.ones(n)
        seen = (self.cascade_.mean, look.anchors, look.offsets, look.weights, look.curve)
        return points, between, judge(patches, places, points, *seen)

    def _run(self, patches: np.ndarray, which: np.ndarray, places: np.ndarray, shapes: np.ndarray) -> None:
        """Move `shapes` (N, K', 2), in units of their boxes, in place."""
        from cairn.detectors.ert.prediction import run_many

        with _lock:
            run_many(patches, which, places, self.turned, shapes, self._program)

    def _unit_starts(self, init: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """(N, K', 2) starting shapes in units of the boxes; the mean shape stands in for what is missing."""
        unit = (np.asarray(init, float)[:, self.known_] - boxes[:, None, :2]) / (boxes[:, 2:] - boxes[:, :2])[:, None]
        fit = transforms.similarity_between(np.broadcast_to(self.cascade_.mean, unit.shape), unit)
        fit[~np.isfinite(unit).any(axis=(1, 2))] = _WHOLE
        unit = np.clip(unit, -2, 3)  # a start far outside says nothing
        return np.where(np.isfinite(unit), unit, transforms.apply(fit, self.cascade_.mean))

    def _learn_doubt(
        self, objects: Objects, validation: Dataset | None, flip: tuple[int, ...] | None, rng: np.random.Generator
    ) -> None:
        """How far the points are off as a rule, and how the picture looks where they are right and where not."""
        checked = objects
        if validation is not None and len(validation):
            checked = read_objects(validation, not self.uses_box, self.size, _TRAINING_MARGIN).of_points(self.known_)
        jitter = (self.shift, self.zoom, self.aspect)
        seen = draw_samples(checked, 2, self.cascade_.mean, None, jitter, 0.0, 0.0, rng)
        self._run(checked.patches, seen.which, seen.places, seen.starts)
        away = seen.starts - seen.truths
        count = np.maximum(np.isfinite(away).all(axis=-1).sum(axis=0), 1)
        away = np.where(np.isfinite(away).all(axis=-1, keepdims=True), away, 0)
        self.spread_ = np.einsum("nki,nkj->kij", away, away) / count[:, None, None] + 1e-6 * np.eye(2)
        self.appearance_ = learn_appearance(objects, self.cascade_.mean, jitter, flip, self._run, rng)

    def _prepare(self) -> None:
        """What every prediction needs, worked out once."""
        from cairn.detectors.ert.prediction import program

        self._program = program(self.cascade_)
        flip = self.skeleton_.of_points(self.known_).left_right if self.mirrored else None
        self._columns = np.flatnonzero(self.known_)
        self._flip_array = np.array(flip or (), np.int64)
        self._view_frames = np.tile(_view_frames(self.starts), (1 if flip is None else 2, 1, 1))

    def _check(self) -> None:
        least = {"depth": 1, "stages": 1, "trees": 1, "pixels": 2, "oversampling": 1, "tests": 1, "averaging": 1}
        for name, low in {**least, "starts": 1, "size": 8, "mirror_stage": 0}.items():
            if getattr(self, name) < low:
                raise InputError(f"Ert: {name} is {getattr(self, name)}; it must be at least {low}")
        most = {"depth": 10, "pixels": 2048, "size": 1000}
        for name, high in most.items():
            if getattr(self, name) > high:
                raise InputError(f"Ert: {name} is {getattr(self, name)}; it must be at most {high}")
        if self.leaves not in ("int8", "float32"):
            raise InputError(f"Ert: leaves are {self.leaves!r}; choose int8 or float32")
        if not (0 < self.shrinkage <= 1 and self.prior > 0 and 0 < self.share <= 1):
            raise InputError("Ert: shrinkage and share must be above 0 and at most 1, and prior above 0")

    def state(self) -> State:
        """See `Detector.state`."""
        arrays = self.cascade_.to_arrays()
        arrays["thresholds"] = arrays["thresholds"].astype(np.int16)  # differences of grey values
        arrays |= {"known": self.known_, "extent": self.extent_, "spread": self.spread_}
        if self.appearance_ is not None:
            arrays |= self.appearance_.to_arrays()
        return State({**self.settings(), "skeleton": self.skeleton_.to_json()}, arrays, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """See `Detector.from_state`."""
        settings = dict(state.settings)
        skeleton = Skeleton.from_json(settings.pop("skeleton"))
        detector = cls(**settings)
        detector._check()
        arrays = state.arrays
        detector.skeleton_, detector.cascade_ = skeleton, Cascade.from_arrays(arrays)
        k = detector.cascade_.n_points
        for name, shape in (("known", (len(skeleton),)), ("extent", (4,)), ("spread", (k, 2, 2))):
            if arrays[name].shape != shape:
                raise ValueError(f"array {name!r} has shape {arrays[name].shape}; expected {shape}")
            setattr(detector, f"{name}_", arrays[name])
        if detector.known_.dtype != bool or detector.known_.sum() != k:
            raise ValueError(f"{detector.known_.sum()} points are known, but the trees move {k}")
        if "appearance_weights" in arrays:
            detector.appearance_ = Appearance.from_arrays(arrays)
            if (detector.appearance_.anchors >= k).any():
                raise ValueError("the appearance looks at points that there are not")
        detector._prepare()
        return detector


def _usable(box: np.ndarray) -> bool:
    """`boxes.is_valid` of one box, in plain numbers: one face takes a fifth of a millisecond in all."""
    x0, y0, x1, y1 = box.tolist()
    return x1 - x0 > 0 and y1 - y0 > 0 and math.isfinite(x0 + y0 + x1 + y1)


def _view_frames(starts: int) -> np.ndarray:
    """(starts, 2, 3) boxes to look through, in units of the given one: itself, and others in a ring about it."""
    turns = np.arange(starts - 1) * np.pi * (3 - np.sqrt(5))
    corners, sides = np.zeros((starts, 2)), np.ones((starts, 2))
    sides[1:] += _RING_ZOOM * (-1.0) ** np.arange(starts - 1)[:, None]
    corners[1:] = _RING * np.stack([np.cos(turns), np.sin(turns)], axis=1) + (1 - sides[1:]) / 2
    return box_frames(corners, sides)
