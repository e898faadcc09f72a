"""A point's confidence as the probability that it is right, and its covariance at the size that errors have.

*Right* means: the error is below `threshold` (5 %) of the reference length, which is the skeleton's first normaliser,
or the geometric mean of the box's sides where the skeleton names none or its points are missing.

The confidence is a logistic regression (Platt 1999) over all points of all rows together,

    logit P(right) = a + d_k + sum_f b_f x_f,        b_f >= 0,   d_k ~ N(0, 1),   b_f ~ N(0, 2^2)

- x: minus the logarithm of the detector's spread, ``sqrt(trace(covariance) / D)`` over the reference length of the
  *predicted* points (for the box: the one tight around them, whichever was given); the logit of its own confidence; and
  the mean of each over the row, because a face that is hard in most points is hard in this one. All are standardised on
  the calibration data. A detector may give either or neither.
- d_k, of point k, is drawn towards 0, so that five rows are enough for something and a thousand let each point speak.
- b_f >= 0: more spread never gives more confidence, other things equal.
- One imaginary row, half right and half wrong at the mean features, keeps a set without any error from promising
  certainty (Jeffreys' prior, counted in rows because the points of one row are not independent).

With `_POLISH_ROWS` rows or more, what the logistic curve got wrong is corrected by a monotone curve through the
observed rates (isotonic regression of equally filled bins; Zadrozny & Elkan 2002), joined by straight lines so that
order stays.

The covariance of point k is multiplied by one factor, so that the squared Mahalanobis distance of the truth has the
mean D that a Gaussian would give it. The mean is of min(m^2, c), c the 99 % quantile of chi^2_D, and is compared with
that of chi^2_D treated alike, so that a few gross errors do not swell every region (Huber 1981, "proposal 2"). Factors
are drawn towards the common one as if that were known from 10 rows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cairn.errors import InputError
from cairn.geometry import boxes as box_geometry
from cairn.landmarks import Landmarks
from cairn.metrics.distance import point_errors
from cairn.metrics.nme import geometric_mean, reference_length

__all__ = ["Calibration", "reference_lengths"]

FEATURES = ("spread", "spread of the row", "confidence", "confidence of the row")
_SLOPE_SD = 2.0
_POINT_SD = 1.0
_POLISH_ROWS = 100
_POLISH_BIN = 200  # points at least
_SCALE_ROWS = 10.0
_LEAST_SCALE = 0.1  # of a logarithm: three rows alike do not make a tenth more spread a matter of life and death


@dataclass(frozen=True, eq=False)
class Calibration:
    """A fitted calibration of K points.

    Parameters
    ----------
    threshold : a point is right when its error is below this fraction of the reference length
    normaliser : name of the reference length, ``box_size`` for the geometric mean of the box's sides
    rows : objects that it was fitted on
    centre, scale : (F,) of the features in `FEATURES`
    slopes : (F,) >= 0, 0 where the detector does not give the feature
    intercepts : (K,) a + d_k
    curve : (2, B) logit before and after the monotone correction; B = 0 where there is none
    covariance_scale : (K,) factor of each point's covariance
    """

    threshold: float
    normaliser: str
    rows: int
    centre: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    intercepts: np.ndarray
    curve: np.ndarray
    covariance_scale: np.ndarray

    @classmethod
    def fit(cls, predicted: Landmarks, truth: Landmarks, threshold: float = 0.05) -> Calibration:
        """Learn from rows that the detector was *not* trained on.

        Parameters
        ----------
        predicted : N rows of the detector, uncalibrated
        truth : the same N rows as labelled
        threshold : of the reference length

        Raises
        ------
        InputError : not one point that is both labelled and predicted
        ValueError : rows or points that do not correspond
        """
        if predicted.points.shape != truth.points.shape:
            raise ValueError(f"predicted {predicted.points.shape} and true points {truth.points.shape} must correspond")
        errors = point_errors(predicted.points, truth.points)
        reference = reference_lengths(truth)
        reference = np.where(np.isfinite(reference), reference, reference_lengths(predicted))
        used = np.isfinite(errors) & np.isfinite(reference)[:, None]
        if not used.any():
            raise InputError(
                "no point of the calibration data is both labelled and predicted; calibrate on labelled pictures"
            )
        right = errors < threshold * reference[:, None]
        features = _features(predicted)
        centre, scale = _standard(features, used)
        x = _standardised(features, centre, scale)
        slopes, intercepts = _logistic(x, right, used, scale > 0)
        logit = x @ slopes + intercepts
        rows = int(used.any(axis=1).sum())
        names = tuple(predicted.skeleton.normalisers)
        return cls(
            threshold=float(threshold),
            normaliser=names[0] if names else "box_size",
            rows=rows,
            centre=centre,
            scale=scale,
            slopes=slopes,
            intercepts=intercepts,
            curve=_curve(logit[used], right[used]) if rows >= _POLISH_ROWS else np.empty((2, 0)),
            covariance_scale=_covariance_scale(predicted, truth, used),
        )

    def apply(self, landmarks: Landmarks) -> Landmarks:
        """The same landmarks with calibrated confidence and covariance; points that are NaN have confidence 0.

        Raises
        ------
        ValueError : landmarks of another number of points
        """
        k = len(self.intercepts)
        if landmarks.points.shape[1] != k:
            raise ValueError(f"a calibration of {k} points cannot be applied to {landmarks.points.shape[1]}")
        logit = _standardised(_features(landmarks), self.centre, self.scale) @ self.slopes + self.intercepts
        confidence = np.where(landmarks.labelled, _sigmoid(_bend(logit, self.curve)), 0.0)
        covariance = landmarks.covariance
        if covariance is not None:
            covariance = covariance * self.covariance_scale[:, None, None]
        return replace(landmarks, confidence=confidence, covariance=covariance)

    def equals(self, other: object) -> bool:
        """Whether both would do the same."""
        return isinstance(other, Calibration) and self.to_json() == other.to_json()

    def to_json(self) -> dict[str, Any]:
        """Plain figures; `from_json` is its inverse and loses nothing."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibration:
        """The calibration that `to_json` wrote.

        Raises
        ------
        InputError : figures that are missing or do not belong together
        """
        plain = ("threshold", "normaliser", "rows")
        try:
            values: dict[str, Any] = {k: v if k in plain else np.array(v, float) for k, v in data.items()}
            self = cls(**values)
            per_feature = {a.shape for a in (self.centre, self.scale, self.slopes)}
            per_point = {a.shape for a in (self.intercepts, self.covariance_scale)}
            fits = per_feature == {(len(FEATURES),)} and per_point == {(self.intercepts.size,)}
            fits &= self.curve.ndim == 2 and len(self.curve) == 2
        except (TypeError, ValueError, AttributeError):
            fits = False
        if not fits:
            raise InputError("the calibration in this model has missing or misshapen arrays; the file was damaged")
        return self


def reference_lengths(landmarks: Landmarks) -> np.ndarray:
    """(N,) px: the skeleton's first normaliser; where it names none, or its points are missing, the box's mean side."""
    box = geometric_mean(landmarks.boxes)
    groups = next(iter(landmarks.skeleton.normalisers.values()), None)
    if groups is None:
        return box
    length = reference_length(landmarks.points, groups)
    return np.where(length > 0, length, box)


def _features(landmarks: Landmarks) -> np.ndarray:
    """(N, K, F) in the order of `FEATURES`; NaN where the detector says nothing."""
    present = landmarks.labelled
    nothing = np.full(present.shape, np.nan)
    spread = raw = nothing
    if landmarks.covariance is not None:
        variance = np.trace(landmarks.covariance, axis1=-2, axis2=-1) / landmarks.points.shape[-1]
        relative = np.sqrt(np.maximum(variance, 0)) / _own_lengths(landmarks)[:, None]
        spread = np.where(present, -np.log(np.clip(relative, 1e-6, 1e6)), np.nan)
    if landmarks.confidence is not None:
        p = np.clip(landmarks.confidence, 1e-6, 1 - 1e-6)
        raw = np.where(present, np.log(p / (1 - p)), np.nan)
    return np.stack([f for own in (spread, raw) for f in (own, np.where(present, _row_mean(own), np.nan))], axis=-1)


def _own_lengths(landmarks: Landmarks) -> np.ndarray:
    """(N,) px: reference lengths of the points themselves, with the box tight around them in place of the one given.

    A detector of whole pictures is calibrated in the boxes of the data and used in those of the pictures.
    """
    lengths = reference_lengths(replace(landmarks, boxes=box_geometry.around(landmarks.points)))
    return np.where(lengths > 0, lengths, geometric_mean(landmarks.boxes))


def _row_mean(values: np.ndarray) -> np.ndarray:
    """(N, 1) mean of what is not NaN."""
    counts = ~np.isnan(values)
    count = counts.sum(axis=1, keepdims=True)
    total = np.where(counts, values, 0).sum(axis=1, keepdims=True)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _standard(features: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F,) means and deviations over the used points; both 0 where a feature is absent or always the same."""
    centre, scale = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    for f in range(len(FEATURES)):
        values = features[..., f][used]
        values = values[np.isfinite(values)]
        if len(values) and values.std() > 1e-6:
            centre[f], scale[f] = values.mean(), max(values.std(), _LEAST_SCALE)
    return centre, scale


def _standardised(features: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Features in deviations from their mean; what is not known stands at the mean."""
    known = np.isfinite(features) & (scale > 0)
    return np.where(known, (features - centre) / np.where(scale > 0, scale, 1), 0.0)


def _logistic(
    x: np.ndarray, right: np.ndarray, used: np.ndarray, informative: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (F,) and intercepts (K,) of the largest posterior; see the head of this file."""
    from scipy.optimize import minimize

    k, f = x.shape[1], x.shape[2]
    point = np.nonzero(used)[1]
    x, y = x[used], right[used].astype(float)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        a, d, b = parameters[0], parameters[1 : 1 + k], parameters[1 + k :]
        z = x @ b + a + d[point]
        imagined = a + d  # one row, half right and half wrong
        value = (
            (np.logaddexp(0, z) - y * z).sum()
            + (np.logaddexp(0, imagined) - imagined / 2).sum()
            + (d @ d) / (2 * _POINT_SD**2)
            + (b @ b) / (2 * _SLOPE_SD**2)
        )
        rest = _sigmoid(z) - y
        per_point = np.bincount(point, weights=rest, minlength=k) + _sigmoid(imagined) - 0.5
        gradient = np.concatenate([[per_point.sum()], per_point + d / _POINT_SD**2, rest @ x + b / _SLOPE_SD**2])
        return value, gradient

    bounds = [(None, None)] * (1 + k) + [(0, None if i else 0) for i in informative]
    best = minimize(loss, np.zeros(1 + k + f), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    return best[1 + k :], best[0] + best[1 : 1 + k]


def _curve(logit: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(2, B) rising: logits, and what they turned out to be."""
    from scipy.optimize import isotonic_regression

    bins = min(20, len(logit) // _POLISH_BIN)
    if bins < 3:
        return np.empty((2, 0))
    # Equal logits stay in one bin: a detector without any figure has one logit for each point of the skeleton.
    edges = np.unique(np.quantile(logit, np.linspace(0, 1, bins + 1)[1:-1]))
    _, which = np.unique(np.searchsorted(edges, logit, side="right"), return_inverse=True)
    count = np.bincount(which) * 1.0
    at, said, hits = (np.bincount(which, weights=w) for w in (logit, _sigmoid(logit), right))
    at, said = at / count, said / count
    # As if 20 more points had turned out as said: no bin reaches 0 or 1.
    rate = (hits + 20 * said) / (count + 20)
    pooled = isotonic_regression(rate, weights=count)
    blocks = pooled.blocks[:-1]
    middle = np.add.reduceat(at * count, blocks) / np.add.reduceat(count, blocks)
    level = np.clip(pooled.x[blocks], 1e-9, 1 - 1e-9)
    return np.stack([middle, np.log(level / (1 - level))])


def _bend(logit: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Along the curve; beyond its ends, shifted by what the end is shifted by."""
    if curve.shape[1] == 0:
        return logit
    at, to = curve
    inside = np.interp(logit, at, to)
    return inside + np.minimum(logit - at[0], 0) + np.maximum(logit - at[-1], 0)


def _covariance_scale(predicted: Landmarks, truth: Landmarks, used: np.ndarray) -> np.ndarray:
    """(K,) factors; 1 where the detector gives no covariance."""
    k, d = predicted.points.shape[1:]
    if predicted.covariance is None:
        return np.ones(k)
    covariance = predicted.covariance
    trace = np.trace(covariance, axis1=-2, axis2=-1)
    used = used & np.isfinite(covariance).all(axis=(-2, -1)) & (trace > 0)
    # A spread of 0 along some direction would make any error infinitely unlikely: a millionth of the whole is added.
    safe = np.where(used[..., None, None], covariance + 1e-6 * trace[..., None, None] * np.eye(d), np.eye(d))
    offset = np.where(used[..., None], predicted.points - truth.points, 0.0)
    square = np.einsum("nki,nki->nk", offset, np.linalg.solve(safe, offset[..., None])[..., 0])
    if not used.any():
        return np.ones(k)
    common = _log_factor(square.reshape(-1, 1), used.reshape(-1, 1), d)
    own = _log_factor(square, used, d)
    count = used.sum(axis=0)
    return np.exp((count * np.where(count > 0, own, 0) + _SCALE_ROWS * common) / (count + _SCALE_ROWS))


def _log_factor(square: np.ndarray, used: np.ndarray, d: int) -> np.ndarray:
    """(K,) log f for which the mean of min(square / f, c) is that of chi^2_d; by halving, since it falls with f."""
    from scipy.stats import chi2

    c = chi2.ppf(0.99, d)
    wanted = d * chi2.cdf(c, d + 2) + c * chi2.sf(c, d)
    low, high = np.full(square.shape[1], -20.0), np.full(square.shape[1], 20.0)
    count = np.maximum(used.sum(axis=0), 1)
    for _ in range(60):
        middle = (low + high) / 2
        mean = (np.minimum(square * np.exp(-middle), c) * used).sum(axis=0) / count
        low, high = np.where(mean > wanted, middle, low), np.where(mean > wanted, high, middle)
    return (low + high) / 2


def _sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z) without overflow."""
    return 0.5 * (1 + np.tanh(z / 2))
