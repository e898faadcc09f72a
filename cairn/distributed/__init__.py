"""Many rows, or many pictures, on the workers of a Ray cluster: `rows`, `pictures`. The only home of ray."""

from __future__ import annotations

from cairn.distributed.cluster import connect
from cairn.distributed.rows import fit_ray, predict_ray, transform_ray

__all__ = ["connect", "fit_ray", "predict_ray", "transform_ray"]
