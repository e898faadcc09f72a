"""From a detector's own idea of its certainty to probabilities that keep their word."""

from cairn.calibration.confidence import Calibration

__all__ = ["Calibration"]
