"""Many rows looked at: tables and shapes embedded and clustered by `cairn.points`, drawn, measured, on a page."""

from __future__ import annotations

from cairn.explore.analysis import Answer, cluster, embed
from cairn.explore.table import Table, read_rows

__all__ = ["Answer", "Table", "cluster", "embed", "read_rows"]
