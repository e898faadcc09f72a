import csv
import io

import numpy as np
from sklearn.decomposition import PCA

from cairn.geometry import boxes
from cairn.landmarks import Landmarks
from cairn.shape.model import ShapeModel
from cairn.shape.tables import summary, tables
from cairn.skeleton import Skeleton


def labels(points):
    skeleton = Skeleton(tuple(f"p, {i}" for i in range(points.shape[1])))
    return Landmarks(skeleton, points, boxes.around(points), np.arange(len(points)))


def parsed(text):
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


def numbers(rows, first):
    return np.array([[float(v) if v else np.nan for v in row[first:]] for row in rows])


def test_pca_of_the_aligned_table_gives_the_scores_and_deviations(recipe):
    data = labels(recipe.draw(25, np.random.default_rng(0)))
    model = ShapeModel(3).fit(data)
    files = tables(model, data, [f"wing {i}" for i in range(25)])
    head, rows = parsed(files["aligned.csv"])
    d = recipe.mean.shape[1]
    assert head[: d + 2] == ["specimen", *("xyz"[i] + "1" for i in range(d)), "x2"]
    assert rows[3][0] == "wing 3"
    pca = PCA(3).fit(numbers(rows, 1))
    head, rows = parsed(files["scores.csv"])
    assert head == ["specimen", "size", "filled", "mode1", "mode2", "mode3"]
    np.testing.assert_allclose(
        np.abs(numbers(rows, 3)), np.abs(pca.transform(model.align(data).reshape(25, -1))), atol=1e-8
    )
    np.testing.assert_allclose(numbers(rows, 1)[:, 0], model.sizes_, rtol=1e-8)
    head, rows = parsed(files["modes.csv"])
    assert head[:4] == ["mode", "sd", "expected_sd", "share"]
    np.testing.assert_allclose(numbers(rows, 1)[:, 0], np.sqrt(pca.explained_variance_), rtol=1e-6)
    np.testing.assert_allclose(numbers(rows, 1)[:, 2], pca.explained_variance_ratio_, rtol=1e-6)
    loadings = numbers(rows, 4)
    np.testing.assert_allclose(np.abs((loadings * pca.components_).sum(axis=1)), 1)


def test_mean_plus_scores_times_loadings_is_the_aligned_shape(flat_recipe):
    data = labels(flat_recipe.draw(14, np.random.default_rng(1)))
    model = ShapeModel(12, shrinkage=0).fit(data)
    files = {name: parsed(text)[1] for name, text in tables(model, data, list("abcdefghijklmn")).items()}
    rebuilt = numbers(files["mean.csv"], 1).ravel() + numbers(files["scores.csv"], 3) @ numbers(files["modes.csv"], 4)
    np.testing.assert_allclose(rebuilt, numbers(files["aligned.csv"], 1), atol=1e-8)


def test_filled_points_are_counted_and_what_cannot_be_said_is_empty(flat_recipe):
    points = flat_recipe.draw(12, np.random.default_rng(2))
    points[0, :2] = np.nan
    points[1, 1:] = np.nan
    data = labels(points)
    files = tables(ShapeModel(2).fit(data), data, [f"{i}" for i in range(12)])
    _, rows = parsed(files["scores.csv"])
    assert rows[0][2] == "2"
    assert all(rows[0])
    assert rows[1] == ["1", "", "", "", ""]
    assert rows[2][2] == "0"
    assert parsed(files["mean.csv"])[1][4][0] == "p, 4"


def test_the_summary_is_plain_json(recipe):
    import json

    model = ShapeModel().fit(recipe.draw(3, np.random.default_rng(3)))
    said = json.loads(json.dumps(summary(model), allow_nan=False))
    assert said["shapes"] == 3
    assert "3 shapes" in said["caution"]
    assert len(said["sd"]) == len(said["share"]) == said["modes"]
