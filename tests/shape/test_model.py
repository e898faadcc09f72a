import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import cairn
from cairn.errors import InputError
from cairn.geometry import boxes
from cairn.geometry.procrustes import ordinary
from cairn.landmarks import Landmarks
from cairn.shape.latent import pose_directions
from cairn.shape.model import ShapeModel
from tests.conftest import KITE, draw_kites


def same_shape(a, b):
    """Largest distance of points after laying a on b, in units of b."""
    return np.abs(ordinary(a, b)[0] - b).max()


# --- what is learnt ---


def test_mean_modes_variances_and_noise_are_found(recipe):
    model = ShapeModel(3, shrinkage=0).fit(recipe.draw(2000, np.random.default_rng(0)))
    assert same_shape(recipe.mean[None], model.mean_) < 0.01
    np.testing.assert_allclose(np.sqrt(model.variances_), recipe.sd, rtol=0.06)
    assert np.sqrt(model.noise_) == pytest.approx(recipe.noise, rel=0.06)
    turned = ordinary(recipe.mean, model.mean_)[1][:, :-1]
    cosines = np.tensordot(recipe.modes @ turned.T, model.modes_, ([1, 2], [1, 2])) / np.linalg.norm(turned, 2)
    np.testing.assert_allclose(np.abs(np.diag(cosines)), 1, atol=0.01)


def test_held_out_shapes_find_the_number_of_modes(recipe):
    model = ShapeModel().fit(recipe.draw(300, np.random.default_rng(1)))
    assert len(model.modes_) == 3


def test_modes_are_orthonormal_and_none_is_a_change_of_pose(recipe):
    model = ShapeModel().fit(recipe.draw(12, np.random.default_rng(2)))
    flat = model.modes_.reshape(len(model.modes_), -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-9)
    np.testing.assert_allclose(flat @ pose_directions(model.mean_, True), 0, atol=1e-7)


def test_it_is_pca_of_the_aligned_points(recipe):
    shapes = recipe.draw(40, np.random.default_rng(3))
    model = ShapeModel(3, shrinkage=0).fit(shapes)
    pca = PCA(3).fit(model.align(shapes).reshape(40, -1))
    np.testing.assert_allclose(model.sample_variances_, pca.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(model.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-6)
    scores = pca.transform(model.align(shapes).reshape(40, -1))
    np.testing.assert_allclose(np.abs(model.transform(shapes)), np.abs(scores), atol=1e-7)


def test_pose_has_no_say(recipe):
    rng = np.random.default_rng(4)
    shapes = recipe.draw(20, rng)
    model = ShapeModel(3).fit(shapes)
    other = recipe.draw(20, np.random.default_rng(5))
    turn = np.linalg.qr(rng.normal(size=(other.shape[2],) * 2))[0]
    turn[:, 0] *= np.linalg.det(turn)
    np.testing.assert_allclose(model.transform(other @ turn * 7 - 100), model.transform(other), atol=1e-9)
    np.testing.assert_allclose(model.score_samples(other @ turn * 7 - 100), model.score_samples(other), rtol=1e-6)


def test_all_scores_together_are_the_shape_itself(recipe):
    shapes = recipe.draw(40, np.random.default_rng(6))
    k, d = recipe.mean.shape
    model = ShapeModel(k * d - (4 if d == 2 else 7), shrinkage=0).fit(shapes)
    back = model.inverse_transform(model.transform(shapes))
    assert same_shape(back, shapes) < 1e-9
    np.testing.assert_allclose(model.project(shapes, limit=None), shapes, atol=1e-8)


def test_a_share_takes_the_fewest_modes_that_explain_it(flat_recipe):
    shapes = flat_recipe.draw(50, np.random.default_rng(7))
    model = ShapeModel(0.9).fit(shapes)
    shares = ShapeModel(10).fit(shapes).explained_variance_ratio_.cumsum()
    assert len(model.modes_) == int(np.searchsorted(shares, 0.9)) + 1


def test_size_is_a_mode_of_its_own_in_a_rigid_model():
    shape = np.array([[0, 0], [4, 0], [4, 3], [0, 3.0]])
    sizes = np.random.default_rng(0).uniform(0.8, 1.2, 30)
    model = ShapeModel(1, scale=False).fit(shape * sizes[:, None, None])
    assert model.explained_variance_ratio_[0] > 0.999
    scores = model.transform(shape * np.array([[[0.9]], [[1.1]]]))[:, 0]
    # A hundredth of the size moves points by 5 (four points, 2.5 each, as a norm), times 0.01.
    assert abs(scores[1] - scores[0]) == pytest.approx(0.2 * 5)


def test_shrinkage_helps_where_shapes_are_few(flat_recipe):
    test = flat_recipe.draw(200, np.random.default_rng(8))
    few = [flat_recipe.draw(8, np.random.default_rng(s)) for s in range(5)]
    auto = np.mean([ShapeModel().fit(f).score(test) for f in few])
    none = np.mean([ShapeModel(6, shrinkage=0).fit(f).score(test) for f in few])
    assert auto > none + 1


# --- missing points ---


def test_missing_points_cost_little(recipe):
    rng = np.random.default_rng(9)
    shapes = recipe.draw(300, rng)
    holes = shapes.copy()
    holes[rng.random(shapes.shape[:2]) < 0.2] = np.nan
    whole, holed = ShapeModel(3, shrinkage=0).fit(shapes), ShapeModel(3, shrinkage=0).fit(holes)
    np.testing.assert_allclose(holed.variances_, whole.variances_, rtol=0.1)
    assert holed.noise_ == pytest.approx(whole.noise_, rel=0.15)
    assert same_shape(holed.mean_[None], whole.mean_) < 0.003
    test = recipe.draw(300, rng)
    assert holed.score(test) > whole.score(test) - 0.3


def test_a_point_that_is_always_missing_in_one_half_is_still_found(flat_recipe):
    """Means of what is there would be wrong; the expectation given the other points is right."""
    rng = np.random.default_rng(10)
    shapes = flat_recipe.draw(400, rng)
    first = ShapeModel(3, shrinkage=0).fit(shapes)
    holes = shapes.copy()
    holes[first.transform(shapes)[:, 0] > 0, 2] = np.nan  # not at random, but known from the other points
    model = ShapeModel(3, shrinkage=0).fit(holes)
    assert same_shape(model.mean_[None], first.mean_) < 0.004


def test_what_is_hidden_is_where_it_is_said_to_be(recipe):
    """Squared Mahalanobis distances of hidden points average D."""
    rng = np.random.default_rng(11)
    model = ShapeModel(3, shrinkage=0).fit(recipe.draw(1000, rng))
    shapes = recipe.draw(600, rng)
    seen = rng.random(shapes.shape[:2]) < 0.7
    seen[:, :4] = True
    points, covariance = model.condition(np.where(seen[..., None], shapes, 1e6), seen)
    np.testing.assert_array_equal(points[seen], shapes[seen])
    assert np.abs(covariance[seen]).max() < 1e-9
    away, spread = (points - shapes)[~seen], covariance[~seen]
    squared = np.einsum("nd,nd->n", away, np.linalg.solve(spread, away[..., None])[..., 0])
    assert squared.mean() == pytest.approx(shapes.shape[2], rel=0.12)


def test_noisy_points_are_drawn_to_likely_shapes_and_covariances_say_how_far_off(recipe):
    rng = np.random.default_rng(12)
    model = ShapeModel(3, shrinkage=0).fit(recipe.draw(1000, rng))
    shapes = recipe.draw(500, rng)
    d = shapes.shape[2]
    root = rng.normal(0, 2, (500, shapes.shape[1], d, d))
    error = root @ np.swapaxes(root, -1, -2)
    noisy = shapes + (root @ rng.normal(size=(*shapes.shape, 1)))[..., 0]
    points, covariance = model.condition(noisy, np.ones(shapes.shape[:2], bool), error)
    away = points - shapes
    assert (away**2).mean() < 0.6 * ((noisy - shapes) ** 2).mean()
    squared = np.einsum("nkd,nkd->nk", away, np.linalg.solve(covariance, away[..., None])[..., 0])
    assert squared.mean() == pytest.approx(d, rel=0.12)


def test_too_few_points_are_nan_and_disturb_nobody(recipe):
    shapes = recipe.draw(20, np.random.default_rng(13))
    model = ShapeModel(3).fit(shapes)
    d = shapes.shape[2]
    some = shapes[:3].copy()
    some[1, d - 1 :] = np.nan
    scores = model.transform(some)
    assert np.isnan(scores[1]).all()
    np.testing.assert_allclose(scores[[0, 2]], model.transform(shapes[[0, 2]]))
    assert np.isnan(model.project(some)[1]).all()
    assert np.isnan(model.score_samples(some)[1])
    points, covariance = model.condition(some, np.ones(some.shape[:2], bool))
    assert np.isnan(points[1]).all()
    assert np.isnan(covariance[1]).all()
    assert np.isfinite(points[[0, 2]]).all()
    assert np.isnan(model.fit_pose(some)[1]).all()


# --- density ---


def test_density_is_the_normal_one_in_the_tangent_space(recipe):
    shapes = recipe.draw(60, np.random.default_rng(14))
    model = ShapeModel(3).fit(shapes)
    pose = pose_directions(model.mean_, True)
    basis = np.linalg.qr(np.concatenate([pose, np.eye(len(pose))], axis=1))[0][:, pose.shape[1] :]
    modes = model.modes_.reshape(3, -1).T
    covariance = modes @ np.diag(model.variances_ - model.noise_) @ modes.T + model.noise_ * np.eye(len(pose))
    normal = multivariate_normal(cov=basis.T @ covariance @ basis)
    expected = normal.logpdf((model.align(shapes) - model.mean_).reshape(60, -1) @ basis)
    np.testing.assert_allclose(model.score_samples(shapes), expected, rtol=1e-9)


def test_exchanged_points_are_less_likely(recipe):
    rng = np.random.default_rng(15)
    model = ShapeModel().fit(recipe.draw(100, rng))
    shapes = recipe.draw(50, rng)
    wrong = shapes.copy()
    wrong[:, [0, 1]] = wrong[:, [1, 0]]
    assert (model.score_samples(wrong) < model.score_samples(shapes)).all()


# --- projecting ---


def test_projected_scores_keep_the_limit_and_projecting_twice_is_once(recipe):
    rng = np.random.default_rng(16)
    model = ShapeModel(3).fit(recipe.draw(100, rng))
    wild = recipe.draw(50, rng)
    wild += rng.normal(0, 30, wild.shape)
    found = model.project(wild, limit=2)
    scores = model.transform(found)
    assert (np.abs(scores) <= 2 * np.sqrt(model.variances_) * (1 + 1e-6)).all()
    np.testing.assert_allclose(model.project(found, limit=2), found, atol=1e-6)


def test_the_projection_is_the_nearest_shape_of_the_model(flat_recipe):
    rng = np.random.default_rng(17)
    model = ShapeModel(3).fit(flat_recipe.draw(100, rng))
    shape = flat_recipe.draw(1, rng) + rng.normal(0, 3, (1, 8, 2))
    found = model.project(shape, limit=None)
    near = np.linalg.norm(found - shape)
    for _ in range(50):
        other = model.inverse_transform(model.transform(found) + rng.normal(0, 0.01, (1, 3)))
        assert np.linalg.norm(ordinary(other, shape[0])[0] - shape) > near - 1e-3 * near


def test_points_that_are_less_sure_count_for_less(flat_recipe):
    rng = np.random.default_rng(18)
    model = ShapeModel(3).fit(flat_recipe.draw(200, rng))
    shapes = flat_recipe.draw(50, rng)
    wrong = shapes.copy()
    wrong[:, 3] += 60
    covariance = np.tile(np.eye(2), (50, 8, 1, 1))
    covariance[:, 3] *= 1e6
    plain, weighted = (np.abs(model.project(wrong, covariance=c) - shapes).mean() for c in (None, covariance))
    assert weighted < 0.2 * plain


def test_batches_answer_as_single_shapes_do(recipe):
    rng = np.random.default_rng(19)
    model = ShapeModel(3).fit(recipe.draw(50, rng))
    shapes = recipe.draw(6, rng)
    shapes[2, 0] = np.nan
    shapes[4] += rng.normal(0, 20, shapes[4].shape)
    for call in (model.project, model.transform, model.fit_pose, model.align, model.score_samples):
        np.testing.assert_allclose(call(shapes), np.concatenate([call(s[None]) for s in shapes]), rtol=1e-7, atol=1e-7)
    assert len(model.project(shapes[:0])) == len(model.transform(shapes[:0])) == 0


# --- from labels, and what they cannot say ---


def test_mirror_images_are_learnt_from_where_the_skeleton_knows_them():
    data = draw_kites(12)
    model = ShapeModel().fit(data)
    mirrored = model.mean_[list(KITE.flip)] * [-1, 1]
    assert same_shape(mirrored[None], model.mean_) < 1e-6
    alone = ShapeModel(mirrored=False).fit(data)
    assert same_shape(alone.mean_[None, list(KITE.flip)] * [-1, 1], alone.mean_) > 1e-4
    assert model.n_shapes_ == alone.n_shapes_ == 12
    assert model.sizes_.shape == (12,)
    np.testing.assert_allclose(model.sizes_, model.centroid_sizes(data))


def test_ten_shapes_are_enough_and_three_say_what_they_cannot_know(recipe):
    shapes = recipe.draw(10, np.random.default_rng(20))
    assert ShapeModel().fit(shapes).caution == ""
    model = ShapeModel().fit(shapes[:3])
    assert "3 shapes show at most 2 of the" in model.caution
    assert model.caution.count(".") == 1
    assert np.isfinite(model.transform(shapes)).all()
    assert len(ShapeModel().fit(shapes[:2]).modes_) == 1


def test_one_shape_is_refused_in_one_sentence(recipe):
    shapes = recipe.draw(3, np.random.default_rng(21))
    with pytest.raises(InputError, match=r"1 of 1 sample .* at least 2 are needed"):
        ShapeModel().fit(shapes[:1])
    shapes[1:, 1:] = np.nan
    with pytest.raises(InputError, match="1 of 3 samples"):
        ShapeModel().fit(shapes)


def test_a_point_that_nobody_labelled_is_named():
    data = draw_kites(5).landmarks
    points = data.points.copy()
    points[:, 2] = np.nan
    labels = Landmarks(KITE, points, boxes.around(points), data.image_index)
    with pytest.raises(InputError, match="'bottom'"):
        ShapeModel().fit(labels)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_modes": 40}, "1 to 12 modes"),
        ({"n_modes": 0}, "1 to 12 modes"),
        ({"n_modes": 1.5}, "between 0 and 1"),
        ({"n_modes": "all"}, "whole number"),
        ({"shrinkage": 2}, "from 0 to 1"),
        ({"shrinkage": "much"}, "from 0 to 1"),
        ({"mirrored": "yes"}, "choose 'auto'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said, flat_recipe):
    with pytest.raises(InputError, match=said):
        ShapeModel(**options).fit(flat_recipe.draw(30, np.random.default_rng(0)))


def test_arrays_that_are_no_shapes_are_refused(flat_recipe):
    with pytest.raises(InputError, match="no shape but"):
        ShapeModel().fit(np.random.default_rng(0).normal(size=(9, 2, 2)))
    with pytest.raises(InputError, match="infinite"):
        ShapeModel().fit(np.full((9, 4, 2), np.inf))
    with pytest.raises(InputError, match=r"\(N, K, 2\) or \(N, K, 3\)"):
        ShapeModel().fit(np.zeros((9, 4, 4)))
    with pytest.raises(InputError, match="laid on each other"):
        ShapeModel().fit(np.zeros((9, 4, 2)))
    with pytest.raises(InputError, match=r"\(4, 2\); the model's are \(8, 2\)"):
        ShapeModel().fit(flat_recipe.draw(9, np.random.default_rng(0))).transform(np.zeros((2, 4, 2)))


def test_shapes_that_are_all_one_have_no_modes_to_speak_of():
    shapes = np.repeat(np.random.default_rng(0).normal(size=(1, 5, 2)), 6, axis=0)
    model = ShapeModel().fit(shapes)
    assert model.variances_.max() < 1e-12
    np.testing.assert_allclose(model.project(shapes), shapes, atol=1e-9)
    assert np.isfinite(model.score_samples(shapes)).all()


# --- scikit-learn, and the model's file ---


class Heights(ShapeModel):
    """Features as heights over a line from 0 to 0, so that rows of any length are shapes."""

    def _from_rows(self, rows):
        rows = np.pad(rows, ((0, 0), (1, 1)))
        return np.stack(np.broadcast_arrays(np.arange(rows.shape[1], dtype=float), rows), axis=-1)


def test_it_is_a_scikit_learn_transformer():
    check_estimator(Heights())


def test_scores_feed_a_classifier_and_the_number_of_modes_can_be_searched(flat_recipe):
    rng = np.random.default_rng(22)
    shapes = flat_recipe.draw(60, rng)
    kind = ShapeModel(3).fit(shapes).transform(shapes)[:, 1] > 0
    pipeline = make_pipeline(ShapeModel(), LogisticRegression(C=1e4))
    search = GridSearchCV(pipeline, {"shapemodel__n_modes": [1, 3]}, cv=3).fit(shapes, kind)
    assert search.best_params_ == {"shapemodel__n_modes": 3}
    assert search.best_score_ > 0.85
    assert clone(pipeline).get_params()["shapemodel__n_modes"] is None


def test_rows_of_numbers_and_points_are_the_same(recipe):
    shapes = recipe.draw(20, np.random.default_rng(23))
    d = shapes.shape[2]
    rows = ShapeModel(2, dimensions=d).fit(shapes.reshape(20, -1))
    points = ShapeModel(2).fit(shapes)
    np.testing.assert_array_equal(rows.transform(shapes.reshape(20, -1)), points.transform(shapes))
    assert rows.inverse_transform(np.zeros((1, 2))).shape == (1, shapes[0].size)
    assert points.inverse_transform(np.zeros((1, 2))).shape == (1, *shapes[0].shape)
    assert list(points.get_feature_names_out()) == ["mode1", "mode2"]


def test_what_is_written_is_read_back(recipe):
    rng = np.random.default_rng(24)
    model = ShapeModel().fit(recipe.draw(15, rng))
    arrays = {k: np.array(v) for k, v in model.to_arrays().items()}
    assert all(a.dtype.kind in "fi" for a in arrays.values())
    again = ShapeModel.from_arrays(arrays)
    shapes = recipe.draw(5, rng)
    shapes[0, 0] = np.nan
    for name in ("transform", "project", "score_samples"):
        np.testing.assert_array_equal(getattr(again, name)(shapes), getattr(model, name)(shapes))
    assert again.caution == model.caution
    del arrays["mean"]
    with pytest.raises(InputError, match="not whole"):
        ShapeModel.from_arrays(arrays)
    with pytest.raises(InputError, match="do not fit"):
        ShapeModel.from_arrays({**model.to_arrays(), "modes": np.zeros((1, 2, 2))})


def test_it_is_found_at_the_top():
    assert cairn.ShapeModel is ShapeModel
