"""What was measured, as figures, pages and pictures."""

from cairn.report.figures import Report, Score

__all__ = ["Report", "Score"]
