"""How large a report's page is, how long it takes to make, and whether a browser has anything to say about it.

    python benchmarks/report_page.py

The pages are of the first 1,000 training faces of faces68 (the test faces are not read): of one model, and of three
compared. Chromium opens each at phone and desk width, light and dark; what it logs, asks the network for, or draws
beyond the screen is counted. The models are mean shapes of 5, 50 and 1,000 of these faces, which take no time; how good
they are is not kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from figures import DATA, RESULTS, machine

PICTURES = 1000
WIDTHS, SCHEMES = (375, 1280), ("light", "dark")


def looked_at(path: Path) -> dict[str, int]:
    """What Chromium logs, requests and draws too wide, over all widths and colour schemes."""
    from playwright.sync_api import sync_playwright

    counts = {"console": 0, "requests": 0, "too_wide": 0}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in SCHEMES:
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                wrong: dict[str, list[str]] = {"console": [], "requests": []}
                page.on("console", lambda m, wrong=wrong: wrong["console"].append(m.text))
                page.on("pageerror", lambda e, wrong=wrong: wrong["console"].append(str(e)))
                page.on("request", lambda r, wrong=wrong: wrong["requests"].append(r.url))
                page.goto(path.as_uri())
                own = [u for u in wrong["requests"] if not u.startswith(("data:", path.as_uri()))]
                counts["console"] += len(wrong["console"])
                counts["requests"] += len(own)
                counts["too_wide"] += page.evaluate("document.documentElement.scrollWidth") > width
                page.close()
        browser.close()
    return counts


def main() -> None:
    import cairn
    from cairn.evaluation.compare import paired

    faces = cairn.read(DATA / "faces68").of_split("train").take_images(np.arange(PICTURES))
    reports = []
    for learnt in (PICTURES, 50, 5):
        detector = cairn.MeanShape().fit(faces.take_images(np.arange(learnt)))
        model = cairn.Model(detector, faces.skeleton, card={"name": f"mean of {learnt}"})
        reports.append(replace(cairn.evaluate(model, faces), data="faces68, train"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for models, result in ((1, reports[0]), (3, paired(reports))):
            path = Path(folder, f"{models}.html")
            start = time.process_time()
            result.save_page(path)
            seconds = time.process_time() - start
            rows.append({"models": models, "mb": path.stat().st_size / 1e6, "cpu_s": seconds, **looked_at(path)})
            print(rows[-1], flush=True)
    record = {"command": "python benchmarks/report_page.py", "machine": machine(), "pictures": PICTURES, "rows": rows}
    (RESULTS / "report_page.json").write_text(json.dumps(record, indent=1) + "\n")
    lines = [
        f"# The page of {PICTURES:,} pictures",
        "",
        f"`python benchmarks/report_page.py`; {machine()}. The models are mean shapes; what is measured",
        "is the page. Chromium looks at each page at 375 and 1,280 px, light and dark.",
        "",
        "| models | page, MB | CPU seconds to make it | lines in the console | requests | views too wide |",
        "|---|---|---|---|---|---|",
    ]
    for r in rows:
        cells = (r["models"], f"{r['mb']:.2f}", f"{r['cpu_s']:.1f}", r["console"], r["requests"], r["too_wide"])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    (RESULTS / "report_page.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
