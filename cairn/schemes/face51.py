"""The 51 inner points of 300-W: its 68 without the jaw, under the same names.

Sagonas, Antonakos, Tzimiropoulos, Zafeiriou, Pantic: 300 Faces In-The-Wild Challenge: database and results, Image and
Vision Computing 2016.
"""

from cairn.schemes.face68 import SKELETON as _WHOLE
from cairn.skeleton import Skeleton

__all__ = ["SKELETON"]

_JAW = len(_WHOLE.parts["jaw"])  # its points come first
assert _WHOLE.flip is not None

SKELETON = Skeleton(
    names=_WHOLE.names[_JAW:],
    edges=tuple((a - _JAW, b - _JAW) for a, b in _WHOLE.edges if a >= _JAW),
    flip=tuple(i - _JAW for i in _WHOLE.flip[_JAW:]),
    parts={part: tuple(i - _JAW for i in points) for part, points in _WHOLE.parts.items() if part != "jaw"},
    normalisers={
        name: (tuple(i - _JAW for i in a), tuple(i - _JAW for i in b)) for name, (a, b) in _WHOLE.normalisers.items()
    },
    name="face51",
    source="Sagonas et al., 300 Faces In-The-Wild Challenge, Image and Vision Computing 2016, "
    "https://ibug.doc.ic.ac.uk/resources/300-W/",
)
