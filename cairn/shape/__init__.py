"""What shapes are likely: of the whole, of its parts, and of parts within the whole."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cairn.shape.model import ShapeModel as ShapeModel
    from cairn.shape.parts import ShapeFamily as ShapeFamily

_HOME = {"ShapeFamily": "cairn.shape.parts", "ShapeModel": "cairn.shape.model"}

__all__ = ["ShapeFamily", "ShapeModel"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cairn.shape' has no attribute {name!r}")
