"""Does it make sense? A calibrated verdict on whole shapes, their parts and their points, and their repair.

*Shape* (`cairn.shape.conditional`, `cairn.shape.yardstick`): is this a shape that such objects have, and is each point
where the others say? *Appearance* (`cairn.shape.appearance`): does the picture look there as it does in good fits? Each
is told as a rarity ``r = -log10 p``: r = 2 is what one good shape in a hundred reaches. The sum of both is rated once
more, on good fits, because shape and appearance are not independent (Fisher 1932; Brown 1975).

A shape is implausible where its rarity passes the rate of false alarms that the user chose. A part or point is
implausible where its place *or* its look is too rare at half that rate; rates are per shape, not per point.

Nothing is calibrated on what the model has seen: the curves come from cross-fitting over the labels (grouped by
picture) and from the detector's answers on held-out pictures, of which only good fits are used (mean error below 5 % of
the reference length, or the better half where fewer are as good). Labels and predictions have curves of their own:
landmarks without confidence and covariance are judged as labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from cairn.calibration.confidence import reference_lengths
from cairn.errors import InputError
from cairn.landmarks import Landmarks
from cairn.shape.appearance import Looks
from cairn.shape.conditional import Conditional, Kernel, fit_conditional, patterns_of, present_points
from cairn.shape.leave_out import wrong_points
from cairn.shape.rarity import curve, folds, rarity
from cairn.shape.yardstick import Figures, Yardstick, figures

__all__ = ["Plausibility", "Scores"]

LEAST_SHAPES = 5
LEAST_POINTS = 3
_GOOD = 0.05  # of the reference length
_LEAST_GOOD = 8  # fits, for curves of predictions; with fewer those of labels serve, the errors added to the model
_MOST_OUT = 3  # a third of the points, not more, may be left out; of three none, since any of them may be wrong
_FAR_ERROR = 20.0  # times the median square
_KERNELS = 64  # patterns of missing points that are remembered
_MOST_OWN = 8.0  # a point's own covariance counts up to so many times the usual


@dataclass(frozen=True, eq=False)
class Scores:
    """How rare N shapes are among good ones, ``-log10 p``: 2 is one in a hundred; larger is worse.

    Parameters
    ----------
    shape : (N,) by shape alone
    appearance : (N,) by the picture alone; None where nothing is known of it
    fused : (N,) both; what `plausible` is about
    parts : (N, P), points : (N, K) the worse of shape and appearance; the p value is that of a shape having such a part
        or point anywhere
    """

    shape: np.ndarray
    appearance: np.ndarray | None
    fused: np.ndarray
    parts: np.ndarray
    points: np.ndarray


@dataclass(frozen=True, eq=False)
class Plausibility:
    """A fitted verdict for K points.

    Parameters
    ----------
    model : the Gaussian of shapes
    errors : (K, D, D) usual covariance of predicted points, in squared centroid sizes
    labels : what is usual of labels
    predictions : what is usual of the detector's good fits; None where it was not fitted on any
    looks : how the picture looks at good fits; None where the detector does not say
    fused : (2, B) curve of the sum of rarities
    rows : shapes, and good fits, that it was fitted on
    false_alarms : share of good shapes that may be called implausible; `dataclasses.replace` changes it at any time
    """

    model: Conditional
    errors: np.ndarray
    labels: Yardstick
    predictions: Yardstick | None = None
    looks: Looks | None = None
    fused: np.ndarray = field(default_factory=lambda: np.empty((2, 0)))
    rows: tuple[int, int] = (0, 0)
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms < 1:
            raise InputError(f"a rate of false alarms of {self.false_alarms:g}; give one between 0 and 1, such as 0.01")
        object.__setattr__(self, "_kernels", {})

    @classmethod
    def fit(
        cls,
        labels: Landmarks,
        *,
        predicted: Landmarks | None = None,
        truth: Landmarks | None = None,
        groups: np.ndarray | None = None,
        false_alarms: float = 0.01,
        seed: int = 0,
    ) -> Plausibility:
        """Learn what is plausible.

        Parameters
        ----------
        labels : training shapes, NaN = missing
        predicted : raw answers of a detector on pictures that neither it nor `labels` contain
        truth : the same rows as labelled
        groups : (N,) rows of `labels` that stay together in cross-fitting; where absent, those of the same image
        false_alarms : share of good shapes that may be called implausible
        seed : of the folds

        Raises
        ------
        InputError : fewer than 5 shapes or 3 points
        """
        k = labels.points.shape[1]
        usable = labels.labelled.sum(axis=1) >= min(LEAST_POINTS, k)
        if k < LEAST_POINTS or usable.sum() < LEAST_SHAPES:
            raise InputError(
                f"{int(usable.sum())} shapes of {k} points; a verdict on shapes needs at least {LEAST_SHAPES} with "
                f"{LEAST_POINTS} points each"
            )
        groups = (labels.image_index if groups is None else groups)[usable]
        labels = labels.take(usable)
        parts = labels.skeleton.parts
        try:
            usual = Yardstick.fit(_cross_fitted(labels, groups, seed))
            model = fit_conditional(labels.points)
        except ValueError as error:
            raise InputError(f"these labels give no verdict on shapes: {error}") from None
        model = _rounded(model)
        d = labels.points.shape[2]
        self = cls(model, np.zeros((k, d, d)), usual, rows=(len(labels), 0), false_alarms=false_alarms)
        if predicted is None or truth is None:
            return self
        good = predicted.take(_good(predicted, truth))
        if len(good) < _LEAST_GOOD:
            return replace(self, errors=_few_errors(model, predicted, truth))
        self = replace(self, errors=_usual_errors(model, good))
        seen = self._figures(good, parts, as_labels=False)
        try:
            predictions = Yardstick.fit(seen, parent=usual)
        except ValueError:
            return self
        looks = Looks.fit(good)
        self = replace(self, predictions=predictions, looks=looks, rows=(len(labels), len(good)))
        if looks is not None:
            self = replace(self, fused=curve(_sums(good, seen, usual)))
        return self

    def scores(self, landmarks: Landmarks) -> Scores:
        """How rare each shape, part and point is; see `Scores`.

        Raises
        ------
        ValueError : landmarks of another number of points
        """
        scores, _ = self._scores(landmarks)
        return scores

    def judge(self, landmarks: Landmarks) -> Landmarks:
        """The same landmarks with `plausible`, `plausible_parts` and `plausible_points`; points do not change.

        A missing point is not implausible; a shape without any point is.

        Parameters
        ----------
        landmarks : as the detector gives them, before confidence is calibrated

        Raises
        ------
        ValueError : landmarks of another number of points
        """
        scores, seen = self._scores(landmarks)
        limit = -np.log10(self.false_alarms)
        plausible = (scores.fused < limit) & present_points(landmarks.points).any(axis=1)
        points = scores.points < limit
        parts = scores.parts < limit
        suspicious = np.flatnonzero(~(points.all(axis=1) & parts.all(axis=1)))
        if len(suspicious):
            contradicted, unlike = self.reasons(landmarks.take(suspicious), seen.take(suspicious))
            points[suspicious] = ~(contradicted | unlike)
        return replace(landmarks, plausible=plausible, plausible_parts=parts, plausible_points=points)

    def repair(self, landmarks: Landmarks) -> Landmarks:
        """Judged landmarks in which implausible points stand where the others say; see `cairn.shape.repair`."""
        from cairn.shape.repair import repaired

        return repaired(self, self.judge(landmarks))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays of numbers; `from_arrays` is the inverse."""
        arrays = {"mean": self.model.mean, "covariance": self.model.covariance.astype(np.float32)}
        arrays |= {"errors": self.errors, "fused": self.fused}
        arrays["rows"], arrays["false_alarms"] = np.array(self.rows), np.array([self.false_alarms])
        for name in ("labels", "predictions", "looks"):
            part = getattr(self, name)
            if part is not None:
                arrays |= {f"{name}_{f.name}": getattr(part, f.name) for f in fields(part)}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Plausibility:
        """The verdict that `to_arrays` was taken of.

        Raises
        ------
        InputError : arrays that are missing or do not belong together
        """
        try:
            parts: dict[str, Any] = {}
            kind: Any
            for name, kind in (("labels", Yardstick), ("predictions", Yardstick), ("looks", Looks)):
                given = {f.name: arrays.get(f"{name}_{f.name}") for f in fields(kind)}
                if all(v is not None for v in given.values()):
                    parts[name] = kind(**given)
            mean, covariance = arrays["mean"], arrays["covariance"].astype(np.float64)
            k, d = mean.shape
            fits = covariance.shape == (k * d, k * d) and arrays["errors"].shape == (k, d, d) and "labels" in parts
            fits &= all(np.isfinite(arrays[a]).all() for a in ("mean", "covariance", "errors", "fused"))
            fits &= all(p.point_centre.shape == (k,) for n, p in parts.items() if n != "looks")
            fits &= "looks" not in parts or parts["looks"].centre.shape == (2, k)
            rows = tuple(int(r) for r in arrays["rows"])
            false_alarms = float(arrays["false_alarms"][0])
            if not fits or len(rows) != 2 or not 0 < false_alarms < 1:
                raise ValueError
            return cls(
                Conditional(mean, covariance), arrays["errors"], **parts, fused=arrays["fused"], rows=rows,  # type: ignore[arg-type]
                false_alarms=false_alarms,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise InputError(
                "the plausibility in this model has missing or misshapen arrays; the file was damaged"
            ) from None

    def equals(self, other: object) -> bool:
        """Whether both would do the same."""
        if not isinstance(other, Plausibility):
            return False
        mine, theirs = self.to_arrays(), other.to_arrays()
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[a], theirs[a]) for a in mine)

    # --- inside ---

    def _yardstick(self, as_labels: bool) -> Yardstick:
        return self.labels if as_labels or self.predictions is None else self.predictions

    def kernel(self, present: np.ndarray, parts: Any, as_labels: bool) -> Kernel:
        """For shapes with these points (K,); remembered."""
        kernels: dict[Any, Kernel] = self._kernels  # type: ignore[attr-defined]
        key = (present.tobytes(), tuple(parts.items()), as_labels)
        if key not in kernels:
            if len(kernels) >= _KERNELS:
                kernels.clear()
            kernels[key] = self.model.kernel(None if as_labels else self.errors, present, parts)
        return kernels[key]

    def _figures(self, landmarks: Landmarks, parts: Any, as_labels: bool) -> Figures:
        points = landmarks.points
        return _figures(self.model, points, lambda pattern: self.kernel(pattern, parts, as_labels), len(parts))

    def _scores(self, landmarks: Landmarks) -> tuple[Scores, Figures]:
        if landmarks.points.shape[1:] != self.model.mean.shape:
            raise ValueError(
                f"a verdict on {self.model.mean.shape} points cannot be given on {landmarks.points.shape[1:]}"
            )
        as_labels = _as_labels(landmarks)
        yardstick = self._yardstick(as_labels)
        seen = self._figures(landmarks, landmarks.skeleton.parts, as_labels)
        shape, parts, points = yardstick.rarities(seen)
        if as_labels or self.looks is None:
            return Scores(shape, None, shape, parts, points), seen
        look, look_parts, look_points = self.looks.rarities(landmarks)
        half = np.log10(2)
        return (
            Scores(
                shape,
                look,
                rarity(shape + look, self.fused),
                np.maximum(np.maximum(parts, look_parts) - half, 0),
                np.maximum(np.maximum(points, look_points) - half, 0),
            ),
            seen,
        )

    def reasons(self, landmarks: Landmarks, seen: Figures | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Why points are implausible.

        Parameters
        ----------
        landmarks : as for `judge`
        seen : their figures, where they are known already

        Returns
        -------
        (N, K) the other points contradict it; (N, K) the picture there, or at its part, is not like that of good fits
        """
        if seen is None:
            seen = self._scores(landmarks)[1]
        as_labels = _as_labels(landmarks)
        yardstick = self._yardstick(as_labels)
        share = self.false_alarms
        contradicted = np.zeros(landmarks.labelled.shape, bool)
        unlike = np.zeros_like(contradicted)
        if not as_labels and self.looks is not None:
            share = share / 2
            _, parts, points = self.looks.rarities(landmarks)
            unlike = points >= -np.log10(share)
            for part, members in enumerate(landmarks.skeleton.parts.values()):
                unlike[:, list(members)] |= (parts[:, part] >= -np.log10(share))[:, None]
        first = yardstick.rarities(seen)[2] / -np.log10(share)
        # Where most of the picture is wrong there are no others to ask.
        lost = unlike.sum(axis=1) > landmarks.labelled.sum(axis=1) / 2
        contradicted[lost] = first[lost] >= 1
        own = None if as_labels else self._excess(landmarks)
        for among, pattern in patterns_of(present_points(landmarks.points[~lost])):
            rows = np.flatnonzero(~lost)[among]
            kernel = self.kernel(pattern, landmarks.skeleton.parts, as_labels)
            limits = yardstick.point_limits(share, kernel.point_freedom)
            limits = np.where(kernel.point_freedom > 0, np.maximum(limits, 1e-12), np.inf)
            # Wrong points must not turn the shape: those far from what the others say count less in laying it down.
            deviations, _ = self.model.frame(landmarks.points[rows], 1 / (1 + first[rows] ** 2))
            most = (int(pattern.sum()) - 1) // _MOST_OUT
            own_rows = None if own is None else own[rows]
            contradicted[rows] = wrong_points(kernel.precision, deviations, limits, own_rows, most)
        return contradicted, unlike & landmarks.labelled

    def _excess(self, landmarks: Landmarks) -> np.ndarray | None:
        """(N, K, D, D) own covariance beyond what is usual, in squared centroid sizes."""
        if landmarks.covariance is None or not self.errors.any():
            return None
        level = np.trace(self.errors, axis1=-2, axis2=-1)
        own = in_frame(self.model.frame(landmarks.points)[1], landmarks.covariance)
        trace = np.trace(own, axis1=-2, axis2=-1)
        share = np.clip(1 - level / np.maximum(trace, 1e-300), 0, 1)
        cap = np.minimum(1, _MOST_OWN * level / np.maximum(trace * share, 1e-300))
        return np.nan_to_num(own * (share * cap)[..., None, None])


def in_frame(maps: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Covariances (N, K, D, D) in px carried along by maps (N, D, D + 1)."""
    linear = maps[:, None, :, :-1]
    return linear @ covariance @ np.swapaxes(linear, -1, -2)


def _as_labels(landmarks: Landmarks) -> bool:
    return landmarks.confidence is None and landmarks.covariance is None


def _figures(model: Conditional, points: np.ndarray, kernel_of: Any, n_parts: int) -> Figures:
    present = present_points(points)
    patterns = patterns_of(present)
    deviations, mirrored = model.both_ways(points)
    if len(patterns) == 1 and patterns[0][1].sum() >= LEAST_POINTS:
        return figures(kernel_of(patterns[0][1]), deviations, mirrored)
    out = Figures.empty(len(points), n_parts, points.shape[1])
    for rows, pattern in patterns:
        if pattern.sum() < LEAST_POINTS:
            continue
        some = figures(kernel_of(pattern), deviations[rows], mirrored[rows])
        for name in ("whole", "mirror", "parts", "points"):
            getattr(out, name)[rows] = getattr(some, name)
    return out


def _cross_fitted(labels: Landmarks, groups: np.ndarray, seed: int) -> Figures:
    """Figures of every row by a model that has not seen its group; with a single group, its row."""
    if len(np.unique(groups)) < 2:
        groups = np.arange(len(labels))
    ids, of_row = np.unique(groups, return_inverse=True)
    count = min(5 if len(labels) >= 100 else 10, len(ids))
    fold = (np.random.default_rng(seed).permutation(len(ids)) % count)[of_row]
    parts = labels.skeleton.parts
    several, order = [], []
    for f in range(count):
        rows = np.flatnonzero(fold == f)
        model = fit_conditional(labels.points[fold != f])
        several.append(_figures(model, labels.points[rows], lambda p, m=model: m.kernel(None, p, parts), len(parts)))
        order.append(rows)
    return Figures.concatenate(several).take(np.argsort(np.concatenate(order)))


def _good(predicted: Landmarks, truth: Landmarks) -> np.ndarray:
    """Rows of good fits: mean error below 5 % of the reference length, or the better half where fewer are as good."""
    from cairn.metrics.distance import point_errors

    error = point_errors(predicted.points, truth.points)
    known = np.isfinite(error)
    count = known.sum(axis=1)
    mean = np.divide(np.where(known, error, 0.0).sum(axis=1), count, out=np.full(len(count), np.inf), where=count > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nan_to_num(mean / reference_lengths(truth), nan=np.inf)
    complete = predicted.labelled.sum(axis=1) >= LEAST_POINTS
    found = mean[complete & np.isfinite(mean)]
    if not len(found):
        return np.empty(0, int)
    return np.flatnonzero(complete & (mean <= max(_GOOD, float(np.median(found)))))


def _sums(good: Landmarks, seen: Figures, parent: Yardstick) -> np.ndarray:
    """(N,) rarity of shape plus that of appearance, each by what was fitted on other rows."""
    out = np.full(len(good), np.nan)
    for others, rows in folds(len(good)):
        looks = Looks.fit(good.take(others)) if len(others) >= LEAST_SHAPES else None
        if looks is not None:
            shape = Yardstick.fit(seen.take(others), parent=parent).rarities(seen.take(rows))[0]
            out[rows] = shape + looks.rarities(good.take(rows))[0]
    return out


def _usual_errors(model: Conditional, good: Landmarks) -> np.ndarray:
    """(K, D, D) median size, mean direction of the detector's covariances, in the model's frame."""
    k, d = model.mean.shape
    if good.covariance is None:
        return np.zeros((k, d, d))
    own = in_frame(model.frame(good.points)[1], good.covariance)
    own = np.where(np.isfinite(own).all(axis=(-1, -2), keepdims=True), own, np.nan)
    with np.errstate(all="ignore"):
        usual = np.nanmedian(own, axis=0) if len(own) else np.zeros((k, d, d))
    values, vectors = np.linalg.eigh(np.nan_to_num(usual))
    return (vectors * np.maximum(values, 0)[:, None]) @ np.swapaxes(vectors, -1, -2)


def _few_errors(model: Conditional, predicted: Landmarks, truth: Landmarks) -> np.ndarray:
    """(K, D, D) the same for all points, from too few predictions for more; gross errors are pulled in."""
    k, d = model.mean.shape
    both = predicted.labelled & truth.labelled
    linear = model.frame(truth.points)[1][:, None, :, :-1]
    with np.errstate(invalid="ignore"):
        away = (linear @ (predicted.points - truth.points)[..., None])[both & np.isfinite(linear).all(axis=(-1, -2))]
    square = np.square(away).ravel()
    if not len(square):
        return np.zeros((k, d, d))
    return np.tile(np.minimum(square, _FAR_ERROR * np.median(square)).mean() * np.eye(d), (k, 1, 1))


def _rounded(model: Conditional) -> Conditional:
    """As the file keeps it: what was measured is what ships."""
    return Conditional(model.mean, model.covariance.astype(np.float32).astype(np.float64))
