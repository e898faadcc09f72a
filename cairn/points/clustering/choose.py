"""Landmarks of a clustering: chosen by a selector, or given."""

from __future__ import annotations

import numpy as np

from cairn.points.clustering.parameters import whole_number
from cairn.points.distinct import distinct_rows
from cairn.points.selectors import make_selector
from cairn.points.selectors.given import given_landmarks

__all__ = ["DEFAULT_LANDMARKS", "chosen_landmarks"]

DEFAULT_LANDMARKS = 1_000
"""As in both papers (Chen & Cai 2011, Huang et al. 2019)."""


def chosen_landmarks(
    selector: object, n_landmarks: int | None, X: np.ndarray, random_state, at_least: int
) -> np.ndarray:
    """Landmarks for the rows X.

    Parameters
    ----------
    selector : a name or a selector (see `cairn.points.selectors`), or landmarks (p, d)
    n_landmarks : how many; None leaves it to a selector that was given, or to "union", and else takes
        `DEFAULT_LANDMARKS`, but at most half of the distinct rows
    X : (n, d) dense or CSR
    at_least : the number that the clustering cannot do without

    Returns
    -------
    (p, d) float64, all different

    Raises
    ------
    ValueError : where there are fewer distinct landmarks than `at_least`
    """
    whole_number("n_landmarks", n_landmarks, or_none=True)
    landmarks = given_landmarks(selector, X.shape[1])
    if landmarks is None:
        count = n_landmarks
        if n_landmarks is None and isinstance(selector, str):
            distinct = len(distinct_rows(X)[0])
            if distinct < at_least:
                raise ValueError(_too_few(distinct, "distinct rows in X", at_least, X.shape[0]))
            if selector != "union":
                count = min(DEFAULT_LANDMARKS, max(at_least, (distinct + 1) // 2))
        chooser = make_selector(selector, count, random_state)
        # A number that nobody asked for may be missed: means of float32 rows far from the origin round to one point.
        points = (
            chooser.fit_at_most(X) if n_landmarks is None and isinstance(selector, str) else chooser.fit(X)
        ).points_
        points = points.toarray() if hasattr(points, "toarray") else points
        landmarks = np.asarray(points, np.float64)
        landmarks = landmarks[distinct_rows(landmarks)[0]]
    if len(landmarks) < at_least:
        raise ValueError(_too_few(len(landmarks), "distinct landmarks", at_least, X.shape[0]))
    return landmarks


def _too_few(found: int, of_what: str, at_least: int, rows: int) -> str:
    return f"Found {found} {of_what} (n_samples={rows}), at least {at_least} are needed."
