"""How good a model is."""

from cairn.evaluation.evaluate import evaluate

__all__ = ["evaluate"]
