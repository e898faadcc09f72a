"""``cairn detect``: pictures, folders and videos to landmarks."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cairn.cli.boxes import Boxes
    from cairn.images import Image, Source
    from cairn.landmarks import Landmarks
    from cairn.model import Model

_AT_ONCE = 8  # pictures that are held in memory together
_LISTED = 20  # pictures up to which each gets its line


def detect(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, folders, videos.", show_default=False)],
    model: Annotated[str, typer.Option(help="A model file, or the name of one.")] = "face68",
    out: Annotated[
        Path | None,
        typer.Option(help="A file (.png, .jpg: the picture; .csv, .json: the points) or a folder.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print COCO JSON; write files only with --out.")] = False,
    boxes: Annotated[
        str, typer.Option(help="found (by the model), whole (the picture), x0,y0,x1,y1 in px, or a file of labels.")
    ] = "found",
    drawn: Annotated[bool, typer.Option("--draw", help="Of folders and videos too, write every picture.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Write the points' names on the picture.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put implausible points where the others say; they are marked.")
    ] = False,
    on: Annotated[
        str, typer.Option(help="here, or ray: on the workers of a cluster; folders and Parquet of pictures.")
    ] = "here",
    workers: Annotated[int | None, typer.Option(help="With --on ray: CPUs, where no cluster is running.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but failures.")] = False,
) -> None:
    """Find landmarks. One picture gives a picture and a JSON file in the current folder; several give a CSV table.

    Example: cairn detect photo.jpg
    """
    from cairn.cli.boxes import parse_boxes
    from cairn.cli.outputs import choose_outputs
    from cairn.errors import InputError
    from cairn.model_file import load
    from cairn.progress import progress

    given = parse_boxes(boxes, pictures)
    failures: list[str] = []
    if on != "here":
        from cairn.cli.on_ray import detect_on_ray

        if drawn or names:
            raise InputError("--on ray writes points, not pictures: leave --draw and --names away")
        if repair:
            raise InputError("--on ray does not repair yet: leave --repair away, or run it here")
        detect_on_ray(pictures, model, out, given, on, workers, as_json, quiet)
        return
    sources = find_sources(pictures, failures)
    outputs = choose_outputs(pictures, len(sources), out, drawn, silent=as_json)
    if outputs.points is not None or as_json:
        sources = nameable(sources, outputs.points or Path(tempfile.gettempdir(), "cairn", "points.json"), failures)
    chain = load(model)
    run = _Run(chain, given, outputs.picture, names, repair)
    hushed = quiet or as_json or len(sources) <= _AT_ONCE
    with progress("pictures", len(sources), quiet=hushed) as advance:
        for start in range(0, len(sources), _AT_ONCE):
            run.do(sources[start : start + _AT_ONCE], failures)
            advance(min(start + _AT_ONCE, len(sources)))
    report(*run.result(), failures, outputs.points, run.written, as_json=as_json, quiet=quiet)


def report(
    landmarks: Landmarks | None,
    images: list[Source],
    failures: list[str],
    points: Path | None,
    drawn: Sequence[Path] = (),
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the points, print what was found, then what failed.

    Raises
    ------
    typer.Exit : code 2 where anything failed
    """
    if landmarks is not None:
        if points is not None:  # before anything is printed, which fails where nobody reads on
            _write_points(landmarks, images, points)
        if not (quiet or as_json):
            _print_counts(landmarks, images)
        if as_json:
            print(_as_json(landmarks, images))
        if not (quiet or as_json):
            print(_words([*drawn, *([] if points is None else [points])]))
    for sentence in failures:
        print(f"cairn: {sentence}", file=sys.stderr)
    if failures:
        if len(failures) > 1 or images:
            print(f"cairn: {len(failures)} failed, {len(images)} done", file=sys.stderr)
        raise typer.Exit(2)


def find_sources(pictures: list[Path], failures: list[str]) -> list[Source]:
    from cairn.errors import InputError
    from cairn.images import find_images

    sources: list[Source] = []
    for path in pictures:
        try:
            sources += [s for s in find_images(path).sources if not hasattr(s, "pixels")]  # type: ignore[misc]
        except InputError as error:
            failures.append(str(error))
    return sources


def nameable(sources: list[Source], table: Path, failures: list[str]) -> list[Source]:
    """Those whose names `table` can hold; better told now than when it is written."""
    from cairn.errors import InputError
    from cairn.formats.pictures import picture_names
    from cairn.images import ImageList

    kept = []
    for source in sources:
        try:
            picture_names(ImageList([source]), table.parent)
            kept.append(source)
        except InputError as error:
            failures.append(str(error))
    return kept


class _Run:
    """Pictures going through the model a few at a time, and what came out."""

    def __init__(
        self, model: Model, boxes: Boxes, drawing: Callable[[Source], Path] | None, names: bool, repair: bool = False
    ):
        self.model, self.boxes, self.drawing, self.names, self.repair = model, boxes, drawing, names, repair
        self.parts: list[Landmarks] = []
        self.done: list[Source] = []
        self.written: list[Path] = []

    def do(self, sources: list[Source], failures: list[str]) -> None:
        from cairn.errors import InputError
        from cairn.images import read_image

        images, read = [], []
        for source in sources:
            try:
                image = read_image(source)
                self.boxes.check(image)
            except InputError as error:
                failures.append(str(error))
                continue
            images.append(image)
            read.append(source)
        if not images:
            return
        found = self._found(images)
        for i, (image, source) in enumerate(zip(images, read, strict=True)):
            if self.drawing is not None:
                try:
                    self._draw(image, source, found.take(found.image_index == i))
                except (InputError, OSError) as error:  # a full disk, say; the points are still wanted
                    self.drawing = None
                    failures.append(f"{error}; no more pictures are drawn")
        self.parts.append(found.with_image_index(found.image_index + len(self.done)))
        self.done += read

    def _found(self, images: list[Image]) -> Landmarks:
        if self.boxes.found:
            return self.model(images, repair=self.repair)
        return self.model.predict(images, [self.boxes.of(image) for image in images], repair=self.repair)

    def _draw(self, image: Image, source: Source, landmarks: Landmarks) -> None:
        from cairn.draw import draw_landmarks, save_picture

        assert self.drawing is not None
        path = self.drawing(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_picture(draw_landmarks(image, landmarks, names=self.names), path)
        self.written.append(path)

    def result(self) -> tuple[Landmarks | None, list[Source]]:
        from cairn.landmarks import Landmarks

        return (Landmarks.concatenate(self.parts) if self.done else None), self.done


def _print_counts(landmarks: Landmarks, images: list[Source]) -> None:
    import numpy as np

    counts = np.bincount(landmarks.image_index, minlength=len(images))
    if len(images) <= _LISTED:
        for i, source in enumerate(images):
            rows = landmarks.image_index == i
            sure = ""
            if counts[i] and landmarks.confidence is not None:
                sure = f", confidence {landmarks.confidence[rows].mean():.2f}"
            print(f"{source}: {counts[i]} found{sure}{_doubts(landmarks.take(rows))}")
    else:
        empty = f"{(counts == 0).sum()} pictures with 0 found"
        print(f"{len(images)} pictures: {counts.sum()} found, {empty}{_doubts(landmarks)}")


def _doubts(landmarks: Landmarks) -> str:
    """What is implausible, and what was repaired; nothing where all is well."""
    said = ""
    parts = list(landmarks.skeleton.parts)
    if landmarks.plausible is not None and not landmarks.plausible.all():
        count = int((~landmarks.plausible).sum())
        said += ", implausible" if len(landmarks) == 1 else f", {count} implausible"
    if len(landmarks) == 1 and landmarks.plausible_parts is not None and not landmarks.plausible_parts.all():
        wrong = [parts[i] for i, fine in enumerate(landmarks.plausible_parts[0]) if not fine]
        said += f", implausible: {', '.join(wrong)}" if "implausible" not in said else f" ({', '.join(wrong)})"
    if landmarks.plausible_points is not None and not landmarks.plausible_points.all():
        what = "implausible points"
        if landmarks.altered is not None and landmarks.altered.any():
            what = f"{what}, {int(landmarks.altered.sum())} of them repaired"
        said += f", {int((~landmarks.plausible_points).sum())} {what}"
    return said


def _write_points(landmarks: Landmarks, images: list[Source], path: Path) -> None:
    from cairn.formats import write
    from cairn.images import ImageList

    path.parent.mkdir(parents=True, exist_ok=True)
    write(landmarks, path, images=ImageList(images))  # what is lost is of the skeleton, which the model keeps


def _as_json(landmarks: Landmarks, images: list[Source]) -> str:
    """What the COCO file would hold, with the pictures' paths as they were given."""
    from cairn.formats import write
    from cairn.images import ImageList

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.json"
        write(landmarks, path, images=ImageList(images))
        document = json.loads(path.read_text(encoding="utf-8"))
    for image, source in zip(document["images"], images, strict=True):
        image["file_name"] = str(source)
    return json.dumps(document)


def _words(written: list[Path]) -> str:
    if not written:
        return "wrote nothing"
    if len(written) <= 3:
        return f"wrote {', '.join(map(str, written))}"
    folder = written[0].parent
    return f"wrote {len(written)} files, {written[0].name} to {written[-2].name} in {folder} and {written[-1]}"
