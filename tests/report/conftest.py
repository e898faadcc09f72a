"""Reports of stand-in models on drawn pictures, and a browser to look at their pages with."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from cairn.dataset import Dataset
from cairn.evaluation.evaluate import evaluate
from cairn.images import Image, ImageList, Source
from cairn.landmarks import Landmarks
from cairn.model import Model
from cairn.report.figures import Report
from tests.conftest import draw_kites

HOSTILE = '"><script>alert(1)<img src=x onerror=alert(2)>&amp;.png'


class Near:
    """A stand-in for a detector: the truth with noise, with confidence and verdicts; rows of `missed` are not found."""

    uses_box = True

    def __init__(self, truth: Landmarks, noise: float, seed: int = 0, missed: tuple[int, ...] = (), judge: bool = True):
        rng = np.random.default_rng(seed)
        size = np.abs(rng.normal(0, noise, truth.points.shape[:2]))
        angle = rng.uniform(0, 2 * np.pi, size.shape)
        points = truth.points + size[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        points[list(missed)] = np.nan
        confidence = np.where(np.isfinite(points).all(-1), 1 / (1 + size), 0)
        verdicts = {}
        if judge:
            bad = size > 2 * noise
            parts = np.stack([bad[:, list(p)].any(axis=1) for p in truth.skeleton.parts.values()], axis=1)
            verdicts = {"plausible": ~bad.any(axis=1), "plausible_points": ~bad, "plausible_parts": ~parts}
        self.answer = replace(truth, points=points, confidence=confidence, **verdicts)

    def predict(self, images, boxes, *, init=None):
        flat = np.concatenate([np.reshape(b, (-1, 4)) for b in boxes])
        own = self.answer.boxes
        rows = [int(np.argmin(np.abs(np.nan_to_num(own) - np.nan_to_num(box)).sum(axis=1))) for box in flat]
        return self.answer.take(rows).with_image_index(np.repeat(np.arange(len(boxes)), [len(b) for b in boxes]))


def said_of(data: Dataset) -> Dataset:
    """The data with names, splits, subjects and columns, one of them hostile."""
    n = len(data)
    rng = np.random.default_rng(1)
    sources = [Image(image.pixels, source=Source(f"{i}{HOSTILE}")) for i, image in enumerate(data.images)]
    return replace(
        data,
        images=ImageList(sources),
        subject=np.array([f"subject {i % 15}" for i in range(n)]),
        split=np.array(["train", "test"])[np.arange(len(sources)) % 2],
        licence="CC0 <b>",
        columns={
            "yaw": rng.normal(0, 20, n),
            HOSTILE: np.array(["<b>dark</b>", "bright & dull"])[np.arange(n) % 2],
            "annotation_id": np.arange(n),
            "title": np.array([f"a name of its own {i}" for i in range(n)]),
        },
    )


@pytest.fixture(scope="session")
def reports() -> list[Report]:
    """A good model, one that misses two objects and has no verdicts, and a bad one; on the same 40 pictures."""
    data = said_of(draw_kites(40))
    models = [
        Near(data.landmarks, 0.5),
        Near(data.landmarks, 0.8, seed=1, missed=(3, 4), judge=False),
        Near(data.landmarks, 4.0, seed=2),
    ]
    names = ("good", HOSTILE, "bad")
    return [
        evaluate(Model(detector, data.skeleton, card={"name": name}), data)  # type: ignore[arg-type]
        for detector, name in zip(models, names, strict=True)
    ]


@pytest.fixture(scope="session")
def browser():
    """Chromium, of the system or as playwright installs it; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CAIRN_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with api.sync_playwright() as driver:
        try:
            started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"no Chromium to look at pages with ({str(error).splitlines()[0]})")
        yield started
        started.close()
