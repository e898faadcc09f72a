"""Embeddings: few dimensions for many rows, by way of landmarks. `contract` says what each of them keeps."""

from __future__ import annotations

from cairn.points.embedding.landmark_diffusion import LandmarkDiffusionMap
from cairn.points.embedding.landmark_isomap import LandmarkIsomap
from cairn.points.embedding.landmark_kernel_pca import LandmarkKernelPCA
from cairn.points.embedding.landmark_mds import LandmarkMDS
from cairn.points.embedding.landmark_spectral import LandmarkSpectralEmbedding
from cairn.points.embedding.landmark_stress_mds import LandmarkStressMDS

__all__ = [
    "EMBEDDINGS",
    "LandmarkDiffusionMap",
    "LandmarkIsomap",
    "LandmarkKernelPCA",
    "LandmarkMDS",
    "LandmarkSpectralEmbedding",
    "LandmarkStressMDS",
]

EMBEDDINGS = {
    "mds": LandmarkMDS,
    "stress-mds": LandmarkStressMDS,
    "isomap": LandmarkIsomap,
    "kernel-pca": LandmarkKernelPCA,
    "spectral": LandmarkSpectralEmbedding,
    "diffusion": LandmarkDiffusionMap,
}
