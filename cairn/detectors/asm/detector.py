"""Active Shape Models: each point looks for itself near where it is, and the shape model says what fits together.

Cootes, Taylor, Cooper, Graham: Active Shape Models, their training and application (CVIU 1995); with descriptors,
Milborrow & Nicolls: Active Shape Models with SIFT descriptors and MARS (VISAPP 2014). The search goes through levels
from coarse to fine. In each round the picture is laid on the reference shape by the current shape, every point's
surroundings are looked through by the level's matcher, and the most likely shape takes the current one's place.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from cairn.dataset import Dataset
from cairn.detectors.contract import Detector, Run, State
from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.geometry import transforms
from cairn.images import Image
from cairn.landmarks import Landmarks
from cairn.progress import progress
from cairn.skeleton import Skeleton

__all__ = ["Asm", "Fitted"]

_BASE = 1.25  # px of the base for one px of the finest frame
_FRAMES = 1000  # that a level learns from at least, by looking several times at each object
_MOST_COPIES = 24
_BEST: dict[str, dict[str, Any]] = {  # chosen on a slice of the training faces, docs/decisions/0024
    "descriptors": {"sizes": (32, 56, 96), "windows": ((8, 7, 6), (6, 5), (5,)), "starts": 1, "trust": 0.5},
    "profiles": {
        "sizes": (24, 36, 54, 80),
        "windows": ((5, 5, 4, 4), (4, 4, 4), (4, 3, 3), (3, 3, 3)),
        "starts": 10,
        "trust": 0.15,
    },
}
_FINE, _LARGE = 2.0, 2.4  # where objects are larger than this many finest sizes, a level of twice that size is added


@dataclass(frozen=True)
class Fitted:
    """What a training was: steps of each regressor, and its time."""

    steps: int
    seconds: float
    device: str = "cpu"
    precision: str = "float32"


@dataclass(frozen=True)
class _End:
    """Where a level left off: the shape (base px), the last frame's map and view, what `Shapes.settle` takes, and how
    badly the picture fits."""

    shape: np.ndarray
    matrix: np.ndarray
    view: Any
    fit: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    cost: float


@dataclass
class Asm(Detector):
    """Points by an active shape model.

    Parameters
    ----------
    matcher : ``descriptors`` (gradient histograms, a small regressor for each point) or ``profiles`` (grey gradients
        along the contour's normal, Mahalanobis distance)
    sizes : px of the mean shape's longer side at each level, coarse to fine
    windows : for each level, the search length of each round, px of the level: that many to either side
    starts : shapes to begin with: the mean shape in the box, and others that stand for groups of the training shapes
        (None for sizes, windows, starts and trust: what was found best for the matcher)
    limit : standard deviations that each mode of the shape may reach
    share : of the shape's variance that the modes explain
    jitter : standard deviation of how far boxes may be off, in box sides
    trust : how much of its nominal precision a point's evidence has (neighbours err together)
    freedom : degrees of freedom of Student's t with which a point's distance from the shape is judged; 0: a Gaussian
    profile : px to either side of a point, of profiles
    hinges, components, places, steps, decay : of the regressors: hinge functions, whitened components of the
        descriptor, places drawn from each window, steps of Adam, weight decay
    uses_box : False looks at the whole picture, whatever the box says
    """

    matcher: str = "descriptors"
    sizes: Sequence[float] | None = None
    windows: Sequence[Sequence[int]] | None = None
    starts: int | None = None
    limit: float = 3.0
    share: float = 0.98
    jitter: float = 0.06
    trust: float | None = None
    freedom: float = 2.0
    profile: int = 6
    hinges: int = 15
    components: int = 64
    places: int = 40
    steps: int = 400
    decay: float = 0.3
    uses_box: bool = True  # type: ignore[misc]

    skeleton_: Skeleton = field(default=None, init=False, repr=False)  # type: ignore[assignment]
    sizes_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    known_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    start_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    spread_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    shape_: Any = field(default=None, init=False, repr=False)
    matchers_: list[Any] = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    levels_: list[Any] = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    handedness_: np.ndarray = field(default=None, init=False, repr=False)  # type: ignore[arg-type]
    judge_: Any = field(default=None, init=False, repr=False)
    fitted_: Fitted | None = field(default=None, init=False, repr=False)

    def fit(self, dataset: Dataset, *, validation: Dataset | None = None, run: Run = Run()) -> Self:
        """Learn the shape model, where shapes lie in their boxes, and each level's matcher.

        `run.steps` takes the place of `steps`; `run.minutes` is not needed, minutes are enough.

        Raises
        ------
        InputError : too few labelled rows, or a hyper-parameter that cannot be used
        """
        from cairn.detectors.asm.levels import draw_frames, read_objects, start_shapes
        from cairn.shape.model import ShapeModel

        began = time.perf_counter()
        self._check()
        rng = np.random.default_rng(run.seed)
        steps = self.steps if run.steps is None else run.steps
        self.sizes_ = self._pyramid(dataset)
        objects = read_objects(dataset, not self.uses_box, self._base())
        known = np.isfinite(objects.points).all(axis=-1).any(axis=0)
        skeleton = dataset.skeleton.of_points(known)
        objects = type(objects)(objects.bases, objects.points[:, known], objects.boxes, objects.rows)
        labels = Landmarks(skeleton, objects.points, objects.boxes, np.arange(len(objects)))
        shape = ShapeModel(self.share).fit(labels)
        start = start_shapes(objects, skeleton.left_right, self._starts(), rng)
        spread = self._spread(objects, start[0], shape.mean_, rng)
        levels = self._levels(shape, spread)
        copies = int(np.clip(np.ceil(_FRAMES / len(objects)), 1, _MOST_COPIES))
        matchers = []
        k = len(shape.mean_)
        total = len(levels) * k
        with progress("learning what points look like", total, quiet=run.quiet) as advance:
            for i, level in enumerate(levels):
                off = np.sqrt(np.diag(spread)[2:]) / 2 if i == 0 else np.array([0.05, 0.06]) * (2 / 3) ** (i - 1)
                frames = draw_frames(objects, level, copies, off, 1.0 if i == 0 else 0.0, rng)
                done = i * k
                matchers.append(self._matcher(frames, skeleton, max(self._windows()[i]), steps, rng, advance, done))
        self.skeleton_, self.known_, self.start_, self.spread_ = dataset.skeleton, known, start, spread
        self.shape_, self.levels_, self.matchers_ = shape, levels, matchers
        self.handedness_ = np.zeros_like(shape.mean_)
        self.judge_, errors = self._judge(objects, rng)
        if skeleton.left_right is not None:
            self.handedness_ = _handedness(errors, skeleton.left_right)
        self.fitted_ = Fitted(steps, time.perf_counter() - began)
        return self

    def predict(
        self, images: Sequence[Image], boxes: Sequence[np.ndarray], *, init: np.ndarray | None = None
    ) -> Landmarks:
        """See `Detector.predict`; the search starts from `init` where that is given and finite."""
        from cairn.detectors.asm.frames import Base, grey

        given, index = box_geometry.stacked(boxes)
        n, k = len(index), len(self.skeleton_)
        points, covariance, confidence = np.full((n, k, 2), np.nan), np.full((n, k, 2, 2), np.nan), np.zeros((n, k))
        last, picture = -1, np.empty((0, 0), np.uint8)
        for row, i in enumerate(index.tolist()):
            if i != last:
                last, picture = i, grey(images[i].rgb())
            box = given[row] if self.uses_box else box_geometry.whole(*picture.shape[::-1])[0]
            if not box_geometry.is_valid(box[None])[0]:
                continue
            base = Base.cut(picture, box, self._base())
            starts = box[:2] + self.start_ * (box[2:] - box[:2])
            if init is not None and np.isfinite(np.asarray(init, np.float64)[row][self.known_]).all():
                starts = np.asarray(init, np.float64)[row][self.known_][None]
            found, spread, features = self._search(base, transforms.apply(base.matrix, starts))
            points[row, self.known_] = transforms.apply(base.inverse, found + self.handedness_)
            covariance[row, self.known_] = transforms.transform_covariance(base.inverse, spread)
            confidence[row, self.known_] = self.judge_(features)
        return Landmarks(self.skeleton_, points, given, index, confidence=confidence, covariance=covariance)

    def _search(self, base: Any, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """From starting shapes (S, K, 2) in px of the base: points, covariance (K, 2, 2), what is seen there (K, F).

        After each level the better half of the starts goes on, and one into the last level.
        """
        ends = [(self._level(0, base, start, start), start) for start in starts]
        for i in range(1, len(self.levels_)):
            ends = _better(ends, 1 if i == len(self.levels_) - 1 else max(len(ends) // 2, 1))
            ends = [(self._level(i, base, end.shape, start), start) for end, start in ends]
        end = _better(ends, 1)[0][0]
        points, spread = self.levels_[-1].shapes.settle(*end.fit)
        back = transforms.invert(end.matrix)
        features = end.view.features(points)
        return transforms.apply(back, points), transforms.transform_covariance(back, spread), features

    def _level(self, i: int, base: Any, shape: np.ndarray, start: np.ndarray) -> _End:
        """All rounds of level `i`, from `shape` (K, 2) px of the base; the pose is expected to be that of `start`."""
        trust = _BEST[self.matcher]["trust"] if self.trust is None else self.trust
        shapes, matcher, side = self.levels_[i].shapes, self.matchers_[i], self.levels_[i].side
        for radius in self._windows()[i]:
            matrix = transforms.similarity_between(shape, shapes.mean)
            p = transforms.apply(matrix, shape)
            expected = shapes.place(transforms.apply(matrix, start))
            view = matcher.look(base.frame(matrix, side), p, radius)
            for reach in matcher.reaches(radius):
                seen, precision = view.evidence(p, reach)
                precision = trust * precision
                p, amplitudes, system = shapes.fit(seen, precision, self.limit, expected)
                if self.freedom:
                    # Student's t: what lies far from the shape that the others agree on counts less
                    away = seen - p
                    far = np.einsum("ki,kij,kj->k", away, precision, away)
                    precision = precision * ((self.freedom + 2) / (self.freedom + far))[:, None, None]
                    p, amplitudes, system = shapes.fit(seen, precision, self.limit, expected)
            shape = transforms.apply(transforms.invert(matrix), p)
        cost = view.cost(p) + 0.5 * shapes.unlikely(amplitudes)
        return _End(shape, matrix, view, (p, seen, precision, system), cost)

    def _matcher(
        self,
        frames: Any,
        skeleton: Skeleton,
        radius: int,
        steps: int,
        rng: np.random.Generator,
        advance: Any,
        done: int,
    ) -> Any:
        if self.matcher == "profiles":
            from cairn.detectors.asm.profiles import Profiles

            return Profiles.fit(frames.pixels, frames.points, skeleton.edges, self.profile, radius, rng)
        from cairn.detectors.asm.experts import Experts

        return Experts.fit(
            frames.pixels,
            frames.points,
            skeleton.left_right,
            radius=radius,
            hinges=self.hinges,
            components=self.components,
            places=self.places,
            steps=steps,
            decay=self.decay,
            rng=rng,
            advance=lambda n: advance(done + n),
        )

    def _spread(self, objects: Any, start: np.ndarray, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(4, 4) covariance of the true pose about that of the start, boxes being a little off."""
        from cairn.detectors.asm.levels import pose_of

        poses = []
        for _ in range(4):
            boxes = objects.boxes
            sides = boxes[:, 2:] - boxes[:, :2]
            if self.uses_box:
                shift = rng.normal(0, self.jitter, sides.shape) * np.sqrt(sides.prod(axis=1, keepdims=True))
                boxes = box_geometry.expand(boxes + np.tile(shift, 2), 1)
                zoom = np.exp(rng.normal(0, self.jitter, (len(boxes), 1)))
                middle = box_geometry.centre(boxes)
                boxes = np.concatenate([middle - sides * zoom / 2, middle + sides * zoom / 2], axis=1)
                sides = sides * zoom
            starts = boxes[:, None, :2] + start * sides[:, None]
            # the frame that the search begins with lies on the mean shape by the starting shape
            to_mean = transforms.similarity_between(starts, mean)
            poses.append(pose_of(transforms.apply(to_mean, objects.points), mean))
        pose = np.concatenate(poses)
        return pose.T @ pose / len(pose) + np.diag([0.02, 0.02, 0.02, 0.02]) ** 2

    def _judge(self, objects: Any, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
        """Tells right places from wrong ones: searches that begin well, beside the object, and turned.

        Also the errors (N, K, 2) px of the base, truth minus found, of the searches that begin well.
        """
        from cairn.detectors.asm.scores import Judge

        chosen = rng.permutation(len(objects))[:300]
        seen, right, errors = [], [], []
        for i in chosen.tolist():
            truth, box = objects.points[i], objects.boxes[i]
            sides = box[2:] - box[:2]
            good = box[:2] + self.start_[0] * sides + rng.normal(0, self.jitter, 2) * sides
            angle = rng.uniform(0, 2 * np.pi)
            far = good + rng.uniform(0.6, 1.0) * sides * [np.cos(angle), np.sin(angle)]
            turned = transforms.apply(
                transforms.rotation_about(good.mean(axis=0), rng.choice([-1, 1]) * rng.uniform(1.5, 3.1)), good
            )
            for start in (good, good, far, turned):
                points, _, features = self._search(objects.bases[i], start[None])
                error = np.linalg.norm(points - truth, axis=-1) / np.sqrt(sides.prod())
                seen.append(features)
                right.append(np.where(np.isfinite(error), error < 0.05, np.nan))
                if start is good:
                    errors.append(truth - points)
        return Judge.fit(np.array(seen), np.array(right)), np.array(errors)

    def _pyramid(self, dataset: Dataset) -> np.ndarray:
        """(L,) sizes; one more where most objects are much larger in their pictures than the finest."""
        if self.sizes is not None:
            return np.array(self.sizes, float)
        sizes = list(_BEST[self.matcher]["sizes"])
        around = box_geometry.sides(box_geometry.around(dataset.landmarks.points)).max(axis=1)
        if np.isfinite(around).any() and self.windows is None and np.nanmedian(around) > _LARGE * sizes[-1]:
            sizes.append(_FINE * sizes[-1])
        return np.array(sizes, float)

    def _windows(self) -> Sequence[Sequence[int]]:
        windows = _BEST[self.matcher]["windows"] if self.windows is None else self.windows
        return [*windows, *[windows[-1]] * (len(self.sizes_) - len(windows))] if self.windows is None else windows

    def _starts(self) -> int:
        return int(_BEST[self.matcher]["starts"] if self.starts is None else self.starts)

    def _base(self) -> int:
        from cairn.detectors.asm.frames import SCALE

        return int(np.ceil(SCALE * _BASE * self.sizes_.max()))

    def _levels(self, shape: Any, spread: np.ndarray) -> list[Any]:
        from cairn.detectors.asm.levels import Level

        if self.matcher == "profiles":
            margins = [self.profile + max(w) + 2 for w in self._windows()]
        else:
            from cairn.detectors.asm.descriptors import MARGIN

            margins = [MARGIN + max(w) for w in self._windows()]
        return [Level.of(shape, s, m, spread) for s, m in zip(self.sizes_.tolist(), margins, strict=True)]

    def _check(self) -> None:
        if self.matcher not in ("descriptors", "profiles"):
            raise InputError(f"there is no matcher {self.matcher!r}; choose descriptors or profiles")
        sizes = _BEST[self.matcher]["sizes"] if self.sizes is None else self.sizes
        windows = _BEST[self.matcher]["windows"] if self.windows is None else self.windows
        if len(sizes) != len(windows) or not len(sizes) or not all(len(w) for w in windows):
            raise InputError(
                f"{len(sizes)} sizes and {len(windows)} lists of windows; give each level a size and at "
                "least one window"
            )

    def settings(self) -> dict[str, Any]:
        """See `Detector.settings`; lists, as JSON has them."""
        return {
            **super().settings(),
            "sizes": None if self.sizes is None else [float(s) for s in self.sizes],
            "windows": None if self.windows is None else [[int(w) for w in level] for level in self.windows],
        }

    def state(self) -> State:
        """See `Detector.state`."""
        arrays = {
            "known": self.known_.astype(np.uint8),
            "sizes": self.sizes_,
            "start": self.start_,
            "spread": self.spread_,
            "handedness": self.handedness_,
            "judge_weights": self.judge_.weights,
            "judge_bias": self.judge_.bias,
        }
        arrays |= {f"shape_{k}": v for k, v in self.shape_.to_arrays().items()}
        for i, matcher in enumerate(self.matchers_):
            arrays |= {f"level{i}_{k}": v for k, v in matcher.to_arrays().items()}
        return State({**self.settings(), "skeleton": self.skeleton_.to_json()}, arrays, {})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """See `Detector.from_state`."""
        from cairn.detectors.asm.experts import Experts
        from cairn.detectors.asm.profiles import Profiles
        from cairn.detectors.asm.scores import Judge
        from cairn.shape.model import ShapeModel

        settings = dict(state.settings)
        skeleton = Skeleton.from_json(settings.pop("skeleton"))
        detector = cls(**settings)
        detector._check()

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in state.arrays.items() if k.startswith(prefix)}

        detector.skeleton_ = skeleton
        detector.sizes_ = np.asarray(state.arrays["sizes"], float)
        detector.known_ = np.asarray(state.arrays["known"], bool)
        detector.start_, detector.spread_ = state.arrays["start"], state.arrays["spread"]
        detector.handedness_ = state.arrays["handedness"]
        detector.judge_ = Judge(state.arrays["judge_weights"], state.arrays["judge_bias"])
        detector.shape_ = ShapeModel.from_arrays(part("shape_"))
        matcher = Profiles if detector.matcher == "profiles" else Experts
        detector.matchers_ = [matcher.from_arrays(part(f"level{i}_")) for i in range(len(detector.sizes_))]
        detector.levels_ = detector._levels(detector.shape_, detector.spread_)
        return detector


def _handedness(errors: np.ndarray, flip: tuple[int, ...]) -> np.ndarray:
    """(K, 2) what labels do that their mirror images do not, px of the base (see docs/decisions/0001, 3).

    Shapes and experts are learnt from mirror images as well, and so cannot follow labels that all lie a little to one
    side. Half the difference between the median error of a point and the mirror image of its counterpart's can.
    """
    middle = np.nanmedian(errors, axis=0)
    return (middle - middle[list(flip)] * [-1, 1]) / 2


def _better(ends: list[tuple[_End, np.ndarray]], count: int) -> list[tuple[_End, np.ndarray]]:
    return sorted(ends, key=lambda e: e[0].cost)[:count]
