"""The first minute with cairn: find the face in a picture that comes with scikit-image, and look at the result.

    python scripts/demo.py [PICTURE]

Writes demo.png, or PICTURE (box, 68 points, confidence), and prints a short table. Needs no torch.
"""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table
from skimage.data import astronaut

import cairn


def main() -> int:
    """Exit code 0 where the one face was found."""
    model = cairn.load("face68")
    image = cairn.Image(astronaut())
    model(image)  # the first call opens the networks
    started = time.perf_counter()
    found = model(image)
    seconds = time.perf_counter() - started

    table = Table(title=f"skimage.data.astronaut(): {len(found)} face in {1000 * seconds:.0f} ms", title_justify="left")
    for name in ("part", "points", "middle x", "middle y", "confidence", "spread (px)"):
        table.add_column(name, justify="left" if name == "part" else "right")
    for part, indices in found.skeleton.parts.items():
        points = found.points[0, list(indices)]
        spread = (found.covariance[0, list(indices)].trace(axis1=1, axis2=2) / 2) ** 0.5
        table.add_row(
            part,
            str(len(indices)),
            f"{points[:, 0].mean():.1f}",
            f"{points[:, 1].mean():.1f}",
            f"{found.confidence[0, list(indices)].mean():.2f}",
            f"{spread.mean():.1f}",
        )
    Console().print(table)
    target = sys.argv[1] if len(sys.argv) > 1 else "demo.png"
    cairn.save_picture(cairn.draw_landmarks(image, found), target)
    print(f"wrote {target}")
    return 0 if len(found) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
