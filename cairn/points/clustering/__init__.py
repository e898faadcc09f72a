"""Clustering by landmarks: groups of many rows found through few points, with labels for new rows.

`LandmarkSpectralClustering` and `KASP` also take their rows in pieces (`partial_fit`, `merge`); `LandmarkExtension`
makes any clusterer or embedder of scikit-learn work on landmarks.
"""

from cairn.points.clustering.ensemble import LandmarkSpectralEnsemble
from cairn.points.clustering.extension import LandmarkExtension
from cairn.points.clustering.kasp import KASP
from cairn.points.clustering.landmark_spectral import LandmarkSpectralClustering

__all__ = ["KASP", "LandmarkExtension", "LandmarkSpectralClustering", "LandmarkSpectralEnsemble"]
