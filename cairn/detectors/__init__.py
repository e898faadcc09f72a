"""Detectors and finders by name: the two registries that model files and recipes look things up in.

A value is a class, or ``"module:Class"`` for one whose module is imported only when it is asked for. A plug-in adds
itself with `register`, an explicit call in the program that uses it.
"""

from __future__ import annotations

import importlib
from typing import Any

from cairn.detectors.contract import Detector, Finder, Run, State
from cairn.errors import InputError

__all__ = ["DETECTORS", "FINDERS", "Detector", "Finder", "Run", "State", "detector_class", "finder_class", "register"]

DETECTORS: dict[str, type[Detector] | str] = {
    "asm": "cairn.detectors.asm.detector:Asm",
    "ert": "cairn.detectors.ert.detector:Ert",
    "dlib": "cairn.detectors.ert.dlib_predictor:DlibPredictor",
    "heatmap": "cairn.detectors.heatmap:Heatmap",
    "mean_shape": "cairn.detectors.mean_shape:MeanShape",
}
FINDERS: dict[str, type[Finder] | str] = {
    "centre": "cairn.detectors.finder:CenterFinder",
    "whole_image": "cairn.detectors.whole_image:WholeImage",
}


def register(name: str, cls: type[Detector] | type[Finder]) -> None:
    """Make a detector or a finder known by `name`, so that models that use it can be saved and loaded.

    Parameters
    ----------
    name : what model files will call it; it must stay the same for ever
    cls : subclass of `Detector` or of `Finder`

    Raises
    ------
    InputError : the name is taken by another class
    TypeError : `cls` is neither
    """
    if not (isinstance(cls, type) and issubclass(cls, (Detector, Finder))):
        raise TypeError(f"register({name!r}, ...): expected a subclass of Detector or Finder, got {cls!r}")
    registry: dict[str, Any] = DETECTORS if issubclass(cls, Detector) else FINDERS
    taken = registry.get(name)
    if taken is not None and taken != cls and taken != f"{cls.__module__}:{cls.__qualname__}":
        raise InputError(f"the name {name!r} already belongs to {taken}; register {cls.__name__} under another")
    registry[name] = cls


def detector_class(name: str) -> type[Detector]:
    """The detector registered as `name`.

    Raises
    ------
    InputError : no such detector
    """
    return _lookup(name, DETECTORS, "detector")


def finder_class(name: str) -> type[Finder]:
    """The finder registered as `name`.

    Raises
    ------
    InputError : no such finder
    """
    return _lookup(name, FINDERS, "finder")


def registered_name(cls: type[Detector] | type[Finder]) -> str:
    """What `cls` is registered as.

    Raises
    ------
    InputError : it is not registered
    """
    written = f"{cls.__module__}:{cls.__qualname__}"
    for registry in (DETECTORS, FINDERS):
        for name, entry in registry.items():
            if entry is cls or entry == written:
                return name
    raise InputError(f"{cls.__name__} is not registered; call cairn.register(name, {cls.__name__}) before saving")


def _lookup(name: str, registry: dict[str, Any], what: str) -> Any:
    if not isinstance(name, str) or name not in registry:
        known = ", ".join(sorted(registry))
        raise InputError(
            f"the {what} {name!r} is not known here (known: {known}); import the plug-in that registers it"
        )
    entry = registry[name]
    if isinstance(entry, str):
        module, _, attribute = entry.partition(":")
        entry = getattr(importlib.import_module(module), attribute)
    return entry
