"""Which shapes are likely: probabilistic principal components of Procrustes-aligned points, missing ones allowed.

A shape x of K points in D dimensions, once laid on the unit mean m, is (Tipping & Bishop 1999)

    x = m + sum_j b_j u_j + e,      b_j ~ N(0, v_j - s2),   e ~ N(0, s2 I)

so that its variance along mode u_j is v_j, and s2 in every other direction. *Laid on* means: by the similarity that
takes the mean to the shape with least squares, backwards. What remains beside the mean is then orthogonal to shift,
turn and size (the tangent space at the mean; Cootes & Taylor's scaling), and nothing of the shape is lost:
``inverse_transform`` of all scores is the shape itself. There are KD - 4 such directions in the plane (KD - 3 with
scale=False) and KD - 7 (KD - 6) in space.

Pose is never known for certain where points are missing or badly placed. All conditional expectations therefore add the
directions of shift, turn and size as further latent variables with a flat prior, P a, which marginalises the pose to
first order instead of trusting one fit of it.

Missing points: EM over the missing coordinates (Roweis 1998; Tipping & Bishop 1999, appendix). The expectation is that
of `condition`; the maximisation is closed, because the expected covariance takes the place of the sample's.

Number of modes and shrinkage: see `cairn.shape.spectrum`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.geometry import transforms
from cairn.geometry.procrustes import centroid_size, generalised, lay_on
from cairn.landmarks import Landmarks
from cairn.shape.latent import Latent, pose_directions
from cairn.shape.spectrum import Spectrum, choose_spectrum

__all__ = ["ShapeModel"]

_EM_ROUNDS = 50
_EM_TOLERANCE = 1e-5  # of the mean, in its centroid sizes
_STILL = 1e-10  # the same, where nothing is missing
_NOISE_TOLERANCE = 0.003  # of the noise, a share of it
_ENOUGH = 10  # shapes below which `caution` speaks


class ShapeModel(TransformerMixin, BaseEstimator):
    """Probabilistic PCA of shapes.

    Parameters
    ----------
    n_modes : how many; a share in (0, 1) takes the fewest that explain so much of the variance; None lets held-out
        shapes decide
    scale : take size out as well as shift and turn; False models shape and size (rigid alignment), in the points' unit
    shrinkage : how far the variances are drawn towards their mean, in [0, 1]; ``"auto"``: held-out shapes decide
    mirrored : ``"auto"`` or True also learns from the mirror image of every shape where the skeleton says which point
        becomes which; False does not. Arrays have no skeleton and are never mirrored
    dimensions : D, for rows of (N, K D) numbers x1, y1, [z1,] x2, ...; arrays (N, K, D) say it themselves

    Attributes
    ----------
    mean_ : (K, D), centred, of unit centroid size (with scale=False: in the points' unit)
    modes_ : (M, K, D), orthonormal, the largest first
    variances_ : (M,) along the modes, as expected of shapes that were not seen
    noise_ : the same along each other direction
    sample_variances_ : (M,) of the shapes seen, along the modes: what PCA gives
    explained_variance_ratio_ : (M,) of the variance of the shapes seen
    shrinkage_ : what was chosen
    sizes_ : (N,) centroid sizes of the shapes, px
    n_shapes_ : N, of those with enough points to be laid on others
    n_features_in_ : K D
    """

    def __init__(
        self,
        n_modes: int | float | None = None,
        *,
        scale: bool = True,
        shrinkage: float | str = "auto",
        mirrored: bool | str = "auto",
        dimensions: int = 2,
    ):
        self.n_modes = n_modes
        self.scale = scale
        self.shrinkage = shrinkage
        self.mirrored = mirrored
        self.dimensions = dimensions

    # --- learning ---

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean, modes and variances.

        Parameters
        ----------
        X : (N, K, D) or (N, K D) array, NaN = missing, or `Landmarks`, or a `Dataset`

        Raises
        ------
        InputError : fewer than two shapes, a point that no shape has, or points too few to have a shape
        """
        points, names = self._points(X, fitting=True)
        flip = X.skeleton.flip if isinstance(X, Landmarks | Dataset) and self.mirrored in ("auto", True) else None
        if self.mirrored not in ("auto", True, False):
            raise InputError(f"mirrored={self.mirrored!r}; choose 'auto', True or False")
        d = points.shape[2]
        enough = np.isfinite(points).all(axis=-1).sum(axis=1) >= d  # fewer leave a turn open
        shapes = points[enough]
        if len(shapes) < 2:
            raise InputError(
                f"{len(shapes)} of {len(points)} sample{'s' * (len(points) != 1)} with {d} points or more; "
                "at least 2 are needed to see how shapes vary, and 10 to see it well"
            )
        absent = np.flatnonzero(~np.isfinite(shapes).all(axis=-1).any(axis=0))
        if len(absent):
            raise InputError(f"no shape has the point {names[absent[0]]!r}; leave it out, or label it somewhere")
        self.n_shapes_ = len(shapes)
        group = np.arange(len(shapes))
        if flip is not None:
            other = shapes[:, list(flip)] * np.where(np.arange(d) == 0, -1.0, 1.0)
            shapes, group = np.concatenate([shapes, other]), np.concatenate([group, group])
        try:
            first = generalised(shapes, scale=self.scale, tolerance=1e-6)
        except ValueError as error:
            raise InputError(f"shapes cannot be laid on each other: {error}") from None
        keep = np.isfinite(first.sizes)
        self._learn(shapes[keep], first.mean, group[keep])
        sizes = np.full(len(points), np.nan)
        sizes[enough] = first.sizes[: self.n_shapes_]
        self.sizes_ = sizes
        return self

    def _learn(self, shapes: np.ndarray, mean: np.ndarray, group: np.ndarray) -> None:
        """Alternate between laying on, filling in, and the spectrum of what is seen."""
        n, k, d = shapes.shape
        present = np.isfinite(shapes).all(axis=-1)
        partial = ~present.all(axis=1)
        space = k * d - pose_directions(mean, self.scale).shape[-1]
        if space < 1:
            raise InputError(
                f"{k} points in {d} dimensions have no shape but their place, turn and size; give more points"
            )
        spectrum: Spectrum | None = None
        for _ in range(2 if partial.any() else 1):  # the second time, modes are chosen on what EM has filled in
            level = np.inf
            for step in range(_EM_ROUNDS):
                pose = pose_directions(mean, self.scale)
                filled, uncertain = shapes, np.zeros((k * d, k * d)) if partial.any() else None
                if partial.any():
                    filled = shapes.copy()
                    if spectrum is None:
                        maps = self._lay(shapes[partial], mean)
                        guess = transforms.apply(transforms.invert(maps), mean)
                        filled[partial] = np.where(present[partial][..., None], shapes[partial], guess)
                    else:
                        latent = Latent(mean, spectrum.modes, spectrum.variances, spectrum.noise, pose)
                        seen, there = shapes[partial], present[partial]
                        maps = self._lay(seen, mean)
                        for last in (False, True):  # the second pass stands on the pose that the first found
                            found = latent.condition(transforms.apply(maps, seen), there, joint=last)
                            filled[partial] = transforms.apply(transforms.invert(maps), found.points)
                            maps = self._lay(filled[partial], mean)
                        uncertain = found.joint
                laid = transforms.apply(self._lay(filled, mean), filled)
                new = laid.mean(axis=0)
                new = new - new.mean(axis=0)
                if self.scale:
                    new = new / centroid_size(new)
                moved = float(np.linalg.norm(new - mean) / centroid_size(mean))
                mean = new
                pose = pose_directions(mean, self.scale)
                residual = (transforms.apply(self._lay(filled, mean), filled) - mean).reshape(n, k * d)
                if partial.any():
                    spectrum = choose_spectrum(
                        residual,
                        pose,
                        group,
                        self.n_modes,
                        self.shrinkage,
                        extra=uncertain,
                        fixed=spectrum if step else None,
                    )
                level, before = (0.0 if spectrum is None else spectrum.noise), level
                if (
                    moved < (_EM_TOLERANCE if partial.any() else _STILL)
                    and abs(level - before) <= _NOISE_TOLERANCE * level
                ):
                    break
        if spectrum is None:
            spectrum = choose_spectrum(residual, pose, group, self.n_modes, self.shrinkage)
        self._take(mean, spectrum)

    def _take(self, mean: np.ndarray, spectrum: Spectrum) -> None:
        k, d = mean.shape
        self.mean_ = mean
        self.modes_ = spectrum.modes.T.reshape(-1, k, d)
        self.variances_ = spectrum.variances
        self.noise_ = float(spectrum.noise)
        self.shrinkage_ = float(spectrum.shrinkage)
        self.sample_variances_ = spectrum.sample
        self.explained_variance_ratio_ = spectrum.shares
        if not self._flat:  # of rows, scikit-learn has noted it
            self.n_features_in_ = k * d
        self._make_latent()

    def _make_latent(self) -> None:
        modes = self.modes_.reshape(len(self.modes_), -1).T
        pose = pose_directions(self.mean_, self.scale)
        self._latent = Latent(self.mean_, modes, self.variances_, self.noise_, pose)

    def _space(self, mean: np.ndarray) -> int:
        return mean.size - pose_directions(mean, self.scale).shape[-1]

    @property
    def caution(self) -> str:
        """One sentence on what so few shapes cannot tell; empty from ten shapes on."""
        check_is_fitted(self)
        if self.n_shapes_ >= _ENOUGH:
            return ""
        space = self._space(self.mean_)
        return (
            f"{self.n_shapes_} shapes show at most {min(self.n_shapes_ - 1, space)} of the {space} ways in which "
            f"{len(self.mean_)} points can vary, and none of the others can be known from them: variances, limits and "
            f"likelihoods are guesses; label at least {_ENOUGH} shapes."
        )

    # --- scikit-learn's side ---

    def transform(self, X: Any) -> np.ndarray:
        """Scores: how far each shape lies along each mode.

        Missing points are filled in by their expectation given the others; where fewer than D points are there, NaN.

        Returns
        -------
        (N, M), in the unit of the modes (not divided by standard deviations)
        """
        points, _ = self._points(X)
        return self._scores(self._filled(points))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """The shapes with these scores, laid on the mean, (N, K, D); (N, K D) if the model was fitted on such rows."""
        check_is_fitted(self)
        scores = np.asarray(X, np.float64)
        if scores.ndim != 2 or scores.shape[1] != len(self.modes_):
            raise ValueError(f"scores have shape {scores.shape}; expected (N, {len(self.modes_)})")
        shapes = self.mean_ + np.tensordot(scores, self.modes_, 1)
        return shapes.reshape(len(shapes), self.mean_.size) if self._flat else shapes

    def score_samples(self, X: Any) -> np.ndarray:
        """Log density of each shape in the tangent space (natural logarithm), of the points it has; pose costs nothing.

        Returns
        -------
        (N,); NaN where fewer than D points are there
        """
        points, _ = self._points(X)
        return self._latent.log_density(transforms.apply(self.fit_pose(points), points))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``mode1``, ``mode2``, ..."""
        check_is_fitted(self)
        return np.array([f"mode{i + 1}" for i in range(len(self.modes_))], object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    # --- in the picture ---

    def fit_pose(self, points: Any, weights: Any = None) -> np.ndarray:
        """Maps that lay each shape on the mean.

        Parameters
        ----------
        points : (N, K, D), NaN left out
        weights : (N, K) or (K,), >= 0

        Returns
        -------
        (N, D, D + 1); NaN where fewer than D points are there
        """
        check_is_fitted(self)
        points = np.asarray(points, np.float64)
        maps = self._lay(points, self.mean_, weights)
        few = np.isfinite(points).all(axis=-1).sum(axis=-1) < self.mean_.shape[1]
        return np.where(few[:, None, None], np.nan, maps)

    def align(self, points: Any) -> np.ndarray:
        """The shapes laid on the mean, (N, K, D); missing points are filled in by their expectation."""
        points, _ = self._points(points)
        filled = self._filled(points)
        return transforms.apply(self._lay(filled, self.mean_), filled)

    def centroid_sizes(self, points: Any) -> np.ndarray:
        """(N,) in the unit of the points; where some are missing, of the shape with these filled in."""
        points, _ = self._points(points)
        return centroid_size(self._filled(points))

    def project(self, points: Any, *, covariance: Any = None, limit: float | None = 3.0) -> np.ndarray:
        """The nearest shape of the model, where the points are; missing ones are filled in.

        Parameters
        ----------
        points : (N, K, D) px
        covariance : (N, K, D, D) px^2 of the points' places: points that are less sure count for less
        limit : each score is cut to so many standard deviations; None cuts none

        Returns
        -------
        (N, K, D) px; NaN where fewer than D points are there
        """
        check_is_fitted(self)
        points = np.asarray(points, np.float64)
        filled = self._filled(points, covariance)
        maps = self._lay(filled, self.mean_)
        scores = self._scores(filled, maps)
        if limit is None:
            return self._back(maps, scores)
        most = limit * np.sqrt(self.variances_)
        cut = np.clip(scores, -most, most)
        rows = np.flatnonzero((cut != scores).any(axis=1))
        for _ in range(2):  # what was cut off changes the best pose a little
            if not len(rows):
                break
            maps[rows] = self._lay(filled[rows], self.mean_ + np.tensordot(cut[rows], self.modes_, 1))
            scores = self._scores(filled[rows], maps[rows])
            cut[rows] = np.clip(scores, -most, most)
        return self._back(maps, cut)

    def condition(self, points: Any, observed: Any, covariance: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Expectation and covariance of every point, given the observed ones.

        Parameters
        ----------
        points : (N, K, D) px
        observed : (N, K) bool; a NaN point is never observed
        covariance : (N, K, D, D) px^2 of the error of the observed points; where absent they are taken as exact, and
            stay where they are

        Returns
        -------
        points (N, K, D) px, covariance (N, K, D, D) px^2; NaN where fewer than D points are observed
        """
        check_is_fitted(self)
        points = np.asarray(points, np.float64)
        observed = np.asarray(observed, bool) & np.isfinite(points).all(axis=-1)
        return self._conditioned(points, observed, covariance, True)

    # --- the model's file ---

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything fitted, as plain numeric arrays; `from_arrays` is its inverse."""
        check_is_fitted(self)
        return {
            "mean": self.mean_,
            "modes": self.modes_,
            "variances": self.variances_,
            "sample_variances": self.sample_variances_,
            "explained": self.explained_variance_ratio_,
            "noise": np.array(self.noise_),
            "shrinkage": np.array(self.shrinkage_),
            "n_shapes": np.array(self.n_shapes_, np.int64),
            "sizes": self.sizes_,
            "scale": np.array(int(self.scale), np.int64),
            "flat": np.array(int(self._flat), np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> ShapeModel:
        """The model that `to_arrays` wrote.

        Raises
        ------
        InputError : arrays that are missing or do not fit each other
        """
        try:
            mean = np.asarray(arrays["mean"], np.float64)
            modes = np.asarray(arrays["modes"], np.float64)
            variances = np.asarray(arrays["variances"], np.float64)
            model = cls(len(modes), scale=bool(arrays["scale"]), dimensions=mean.shape[-1])
            fits = mean.ndim == 2 and mean.shape[1] in (2, 3) and modes.shape == (len(variances), *mean.shape)
            if not fits or not all(np.isfinite(a).all() for a in (mean, modes, variances)) or (variances < 0).any():
                raise InputError("the shape model's mean, modes and variances do not fit each other")
            model.sample_variances_ = np.asarray(arrays["sample_variances"], np.float64)
            model.explained_variance_ratio_ = np.asarray(arrays["explained"], np.float64)
            model.noise_, model.shrinkage_ = float(arrays["noise"]), float(arrays["shrinkage"])
            model.n_shapes_, model._flat = int(arrays["n_shapes"]), bool(arrays["flat"])
            model.sizes_ = np.asarray(arrays["sizes"], np.float64)
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f"the shape model is not whole ({error})") from None
        model.mean_, model.modes_, model.variances_ = mean, modes, variances
        model.n_features_in_ = mean.size
        model._make_latent()
        return model

    # --- inside ---

    def _points(self, X: Any, fitting: bool = False) -> tuple[np.ndarray, list[str]]:
        """(N, K, D) with NaN = missing, and names of the points, from anything that `fit` takes."""
        if isinstance(X, Dataset):
            X = X.landmarks
        if isinstance(X, Landmarks):
            points, names = X.points, list(X.skeleton.names)
            if fitting:
                self._flat = False
        elif _axes(X) == 3:
            points = np.asarray(X, np.float64)
            names = [str(i) for i in range(points.shape[1])]
            if points.shape[2] not in (2, 3):
                raise InputError(f"points have shape {points.shape}; expected (N, K, 2) or (N, K, 3)")
            if fitting:
                self._flat = False
        else:
            from sklearn.utils.validation import validate_data

            if not fitting:
                check_is_fitted(self)
            rows = validate_data(self, X, reset=fitting, dtype=np.float64, ensure_all_finite="allow-nan")
            points = self._from_rows(rows)
            names = [str(i) for i in range(points.shape[1])]
            if fitting:
                self._flat = True
        if np.isinf(points).any():
            raise InputError("points have infinite coordinates; NaN marks a point that is missing")
        if not fitting:
            check_is_fitted(self)
            if points.shape[1:] != self.mean_.shape:
                raise InputError(f"shapes are {points.shape[1:]}; the model's are {self.mean_.shape}")
        return np.where(np.isfinite(points).all(axis=-1)[..., None], points, np.nan), names

    def _from_rows(self, rows: np.ndarray) -> np.ndarray:
        d = self.dimensions
        if d not in (2, 3) or rows.shape[1] % d:
            raise InputError(f"{rows.shape[1]} feature(s) are no points of {d} coordinates (dimensions={d})")
        return rows.reshape(len(rows), -1, d)

    def _lay(self, points: np.ndarray, mean: np.ndarray, weights: Any = None) -> np.ndarray:
        return lay_on(points, mean, scale=self.scale, weights=weights)

    def _square(self, points: np.ndarray) -> np.ndarray:
        """(N, 1): px^2 in the square of the model's unit, about."""
        return np.maximum((centroid_size(points) / centroid_size(self.mean_))[:, None] ** 2, 1e-300)

    def _modes(self) -> np.ndarray:
        return self.modes_.reshape(len(self.modes_), -1).T

    def _scores(self, filled: np.ndarray, maps: np.ndarray | None = None) -> np.ndarray:
        maps = self._lay(filled, self.mean_) if maps is None else maps
        return (transforms.apply(maps, filled) - self.mean_).reshape(-1, self.mean_.size) @ self._modes()

    def _back(self, maps: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return transforms.apply(transforms.invert(maps), self.mean_ + np.tensordot(scores, self.modes_, 1))

    def _filled(self, points: np.ndarray, covariance: Any = None) -> np.ndarray:
        """Points with the missing ones expected; with a covariance, all of them."""
        present = np.isfinite(points).all(axis=-1)
        if covariance is not None:
            return self._conditioned(points, present, covariance, False)[0]
        rows = np.flatnonzero(~present.all(axis=1))
        if not len(rows):
            return points
        filled = points.copy()
        filled[rows] = self._conditioned(points[rows], present[rows], None, False)[0]
        return filled

    def _conditioned(
        self, points: np.ndarray, observed: np.ndarray, covariance: Any, spread: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        d = self.mean_.shape[1]
        seen = np.where(observed[..., None], points, np.nan)
        seen[observed.sum(axis=1) < d] = np.nan
        weights = None
        if covariance is not None:
            covariance = np.asarray(covariance, np.float64)
            sure = np.isfinite(covariance).all(axis=(-1, -2))
            observed = observed & sure
            covariance = np.where(observed[..., None, None], covariance, 0.0)
            seen[~observed] = np.nan
            trace = np.trace(covariance, axis1=-2, axis2=-1)
            weights = 1 / (self._latent.s2 * self._square(seen) + trace / d)
        maps = self._lay(seen, self.mean_, weights)
        few = observed.sum(axis=1) < d
        maps[few] = np.nan
        for last in (False, True):  # the second pass stands on the pose that the first found
            frame_covariance = None if covariance is None else transforms.transform_covariance(maps, covariance)
            found = self._latent.condition(
                transforms.apply(maps, seen), observed, frame_covariance, covariance=spread and last
            )
            back = transforms.invert(maps)
            filled = transforms.apply(back, found.points)
            if covariance is None:
                filled = np.where(observed[..., None] & ~few[:, None, None], points, filled)
            if not last:
                maps = self._lay(filled, self.mean_)
        if found.covariance is None:
            return filled, np.empty(0)
        return filled, transforms.transform_covariance(back, found.covariance)


def _axes(X: Any) -> int:
    """Of an array, or of lists in lists; 2 for what only scikit-learn can tell."""
    if hasattr(X, "shape"):
        return len(X.shape)
    try:
        return np.ndim(X) if isinstance(X, list | tuple) else 2
    except ValueError:
        return 2
