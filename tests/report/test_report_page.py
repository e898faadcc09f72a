from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from cairn.errors import InputError
from cairn.evaluation.compare import paired
from cairn.report.figures import Report
from cairn.report.report_page import report_page
from tests.report.conftest import HOSTILE


class Reader(HTMLParser):
    """Elements, ids, addresses and text."""

    def __init__(self, html: str):
        super().__init__()
        self.elements, self.ids, self.addresses, self.words = [], [], [], []
        self.feed(html)
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, name, attributes):
        said = dict(attributes)
        self.elements.append((name, said))
        self.ids += [said["id"]] if "id" in said else []
        self.addresses += [said[k] for k in ("href", "src") if k in said]
        assert not any(k.startswith("on") for k in said)

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def one(reports):
    return Reader(report_page(reports[0], command="cairn evaluate <good> data").html())


@pytest.fixture(scope="module")
def three(reports):
    return Reader(report_page(paired(reports)).html())


def test_names_from_outside_are_words_and_nothing_else(one, three):
    for page in (one, three):
        assert "script" not in {name for name, _ in page.elements}
        assert page.text.count(HOSTILE) > 1
        assert not any("onerror" in key for _, said in page.elements for key in said)
    assert "<b>dark</b>" in one.text
    assert "CC0 <b>" in one.text
    assert "cairn evaluate <good> data" in one.text


def test_a_page_needs_nothing_but_itself(one, three):
    for page in (one, three):
        assert all(a.startswith(("data:image/jpeg;base64,", "#")) for a in page.addresses)
        assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)
        assert len(page.ids) == len(set(page.ids))


def test_every_figure_has_its_definition_its_cases_and_its_interval(one, reports):
    for score in reports[0]:
        assert score.metric in one.text
    for words in ("the box's size", "95 % bootstrap interval", "boxes given by the data", "all pictures", "n counts"):
        assert words in one.text.replace("\u00a0", " ")


def test_sections_follow_what_there_is(reports, one):
    for words in ("Error of each part", "yaw", "subject", "split", "Is confidence", "Verdicts", "Worst", "Best"):
        assert words in one.text
    assert "annotation_id" not in one.text  # numbers the rows
    assert "a name of its own" not in one.text
    cases = reports[0].cases
    bare = replace(cases.predicted, confidence=None, plausible=None)
    text = Reader(report_page(replace(reports[0], cases=replace(cases, predicted=bare))).html()).text
    assert "Is confidence" not in text
    assert "Verdicts" not in text


def test_a_comparison_says_who_is_better_and_shows_each_picture_once(three, reports):
    text = three.text.replace("\u00a0", " ")
    assert "bad is worse than good by" in text
    assert "Where the models differ most" in text
    pictures = [said for name, said in three.elements if name == "image"]
    again = [said for name, said in three.elements if name == "use"]
    assert len(again) == 2 * len(pictures)


def test_the_first_sentence_says_of_how_many_objects_it_speaks(reports, one):
    assert "over 40 objects" in one.text
    assert "over 38 of 40 objects" in Reader(report_page(reports[1]).html()).text


def test_what_was_missed_is_shown_first_among_the_worst(reports):
    text = Reader(report_page(reports[1]).html()).text
    worst = text[text.index("Worst") :]
    assert worst.index("missed") < worst.index("%")


def test_the_page_of_many_pictures_is_no_larger(reports):
    cases = reports[0].cases
    rows = np.tile(np.arange(len(cases)), 25)  # a thousand
    many = replace(
        cases,
        data=cases.data.take(rows),
        predicted=cases.predicted.take(rows),
        groups=np.arange(len(rows)),
        **{k: getattr(cases, k)[rows] for k in ("lengths", "errors", "point_errors", "relative", "right")},
    )
    few = len(report_page(reports[0]).html())
    assert len(report_page(replace(reports[0], cases=many, n=len(rows))).html()) < 1.2 * few < 5e6


def test_the_same_report_gives_the_same_page(reports):
    assert report_page(reports[0]).html() == report_page(reports[0]).html()


def test_a_picture_that_has_gone_is_left_out(reports):
    from cairn.images import ImageList, Source

    cases = reports[0].cases
    gone = replace(cases.data, images=ImageList([Source("gone.png")] * len(cases.data.images)))
    page = report_page(replace(reports[0], cases=replace(cases, data=gone))).html()
    assert "data:image" not in page
    assert "How this was measured" in page


def test_what_cannot_be_shown_is_refused(reports):
    with pytest.raises(ValueError, match="evaluate again"):
        report_page(Report("m", "d", 0, (), float("nan")))
    with pytest.raises(InputError, match="at most 6"):
        report_page(paired([reports[0]] * 7))


def test_figures_and_units_stay_on_one_line(one):
    assert re.findall(r".{20}[0-9] %", "".join(one.words)) == []
