"""An answer as one HTML file that needs nothing else: pictures lie inside it."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np

from cairn.explore.analysis import Answer
from cairn.explore.picture import COLOURS, curve_picture, group_names

__all__ = ["MEANING", "page"]

MEANING = {
    "seconds": "time of the fit alone",
    "trustworthiness": "are neighbours in the picture neighbours in the data? 1 is best, about 0.5 is chance",
    "residual variance": "share of the distances' variance that the picture does not show; 0 is best",
    "residual variance of geodesics": "the same for ways along the data, which Isomap keeps",
    "stress": "error of distances, as a share of them; 0 is best",
    "neighbours with the same label": "share of each row's five nearest in the picture that have its label",
    "clusters": "groups found",
    "silhouette": "how much nearer rows are to their own group than to the next; 1 is best",
    "NMI": "agreement of groups and labels (normalised mutual information); 1 is best",
    "ARI": "agreement of groups and labels, 0 by chance (adjusted Rand index); 1 is best",
    "same place": "likeness to the answer shown, after turning and scaling; 1 is the same",
    "same groups (ARI)": "agreement with the groups shown; 1 is the same",
    "landmarks": "number of landmarks",
}
_EXAMPLES = 10  # pictures of each group
_GROUPS = 30  # that are listed

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem } img.wide { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } tr { border-bottom: 1px solid #e4e7ea }
.quiet { color: #667 } .dot { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em }
.scroll { overflow-x: auto } .strip img { height: 56px; margin: 2px; border-radius: 3px } .remark { color: #a3460b }
"""


_KINDS = {
    "rows": "rows",
    "shapes": "shapes (points aligned by Procrustes)",
    "descriptors": "objects described at their points (SIFT in the frame of the shape)",
}


def page(answer: Answer, scatter: bytes, command: str = "") -> str:
    """The page.

    Parameters
    ----------
    scatter : PNG, of `scatter_picture`
    command : that made it, shown at the foot
    """
    table = answer.table
    what = _KINDS[table.kind]
    verb = "Groups of" if answer.labels is not None else "A map of"
    first = (
        f"{len(table):,} {what} of {table.rows.shape[1]} numbers each; method {answer.method}, "
        f"{len(answer.marks):,} landmarks, {answer.figures['seconds']:.2f} s."
    )
    parts = [
        f"<h1>{verb} {escape(table.name)}</h1>",
        f"<p>{escape(first)}</p>",
        *(f'<p class="remark">{escape(sentence)}</p>' for sentence in answer.remarks),
        _image(scatter, f"{table.name}: rows as dots, landmarks as rings"),
        '<p class="quiet">Rings are landmarks, the few rows (or means of rows) that stand for all.'
        + (
            " Clusters are found in all columns; the picture shows the two that spread rows most."
            if answer.labels is not None
            else ""
        )
        + "</p>",
        "<h2>How good is it</h2>",
        _figures(answer.figures),
    ]
    if answer.by_landmarks:
        parts += ["<h2>How it depends on the number of landmarks</h2>"]
        curve = curve_picture(answer)
        if curve is not None:
            parts.append(_image(curve, "quality and seconds by number of landmarks"))
        parts.append(_by_landmarks(answer))
    parts += _groups(answer)
    if command:
        parts.append(f'<p class="quiet">Made by <code>{escape(command)}</code>.</p>')
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{verb} {escape(table.name)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _figures(figures: dict[str, float]) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{_number(value)}</td>'
        f'<td class="quiet">{MEANING.get(name, "")}</td></tr>'
        for name, value in figures.items()
    )
    return _table(rows)


def _by_landmarks(answer: Answer) -> str:
    names = list(answer.by_landmarks[0])
    head = "".join(f'<th class="n" title="{MEANING.get(name, "")}">{escape(name)}</th>' for name in names)
    rows = "".join(
        "<tr>" + "".join(f'<td class="n">{_number(row.get(name, float("nan")))}</td>' for name in names) + "</tr>"
        for row in answer.by_landmarks
    )
    return _table(f"<tr>{head}</tr>{rows}")


def _groups(answer: Answer) -> list[str]:
    """Each group: how many rows, which labels, some of its pictures."""
    group, names = group_names(answer)
    if group is None or len(names) > _GROUPS:
        return []
    table = answer.table
    labelled = answer.labels is not None and table.label is not None
    parts = [
        f'<tr><th></th><th class="n">rows</th>{"<th>most common labels</th>" if labelled else ""}'
        f"{'<th>some of them</th>' if table.pictures is not None else ''}</tr>"
    ]
    for i, name in enumerate(names):
        rows = np.flatnonzero(group == i)
        cells = f'<td><span class="dot" style="background:{COLOURS[i % len(COLOURS)]}"></span>{escape(name)}</td>'
        cells += f'<td class="n">{len(rows):,}</td>'
        if labelled:
            assert table.label is not None
            values, counts = np.unique(table.label[rows], return_counts=True)
            order = np.argsort(-counts, kind="stable")[:4]
            said = ", ".join(f"{escape(str(values[j]))} ({counts[j] / len(rows):.0%})" for j in order)
            cells += f"<td>{said}</td>"
        if table.pictures is not None:
            cells += f'<td class="strip">{_strip(answer, rows)}</td>'
        parts.append(f"<tr>{cells}</tr>")
    title = "Groups" if answer.labels is not None else f"Labels ({escape(table.label_name)})"
    return [f"<h2>{title}</h2>", _table("\n".join(parts))]


def _table(rows: str) -> str:
    """On a narrow screen the table is moved sideways, not the page."""
    return f'<div class="scroll"><table>{rows}</table></div>'


def _strip(answer: Answer, rows: np.ndarray) -> str:
    import PIL.Image

    out = []
    for row in rows[:: max(1, len(rows) // _EXAMPLES)][:_EXAMPLES]:
        pixels = answer.table.thumbnail(int(row), 112)
        if pixels is not None:
            data = io.BytesIO()
            PIL.Image.fromarray(pixels).save(data, "JPEG", quality=82)
            name = escape(str(answer.table.names[row]), quote=True)
            out.append(f'<img alt="{name}" title="{name}" src="data:image/jpeg;base64,{_base64(data.getvalue())}">')
    return "".join(out)


def _image(png: bytes, words: str) -> str:
    return f'<img class="wide" alt="{escape(words, quote=True)}" src="data:image/png;base64,{_base64(png)}">'


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "none"
    return f"{int(value):,}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.3g}"
