"""Landmarks that a user brings along instead of a selector."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_array

from cairn.points.distinct import distinct_rows

__all__ = ["given_landmarks"]


def given_landmarks(selector: object, columns: int) -> np.ndarray | None:
    """The landmarks (p, d) float64 where `selector` is an array of them; None where they are to be chosen."""
    if selector is None or isinstance(selector, str) or hasattr(selector, "fit"):
        return None
    landmarks = check_array(selector, dtype=np.float64, input_name="selector")
    if landmarks.shape[1] != columns:
        raise ValueError(f"The given landmarks have {landmarks.shape[1]} columns, X has {columns} features.")
    return landmarks[distinct_rows(landmarks)[0]]
