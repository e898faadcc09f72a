"""The pages as people see them: in Chromium, on a phone and a desk, by day and by night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cairn.evaluation.compare import paired
from cairn.report.report_page import report_page

# The least contrast of letters with what is behind them: WCAG 2.2, 1.4.3.
CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
  const light = c => { const f = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2] };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0.99) return c } return [255, 255, 255, 1] };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = [];
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.checkVisibility()) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(e.className + ': ' + walk.currentNode.data.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return low;
}"""


@pytest.fixture(scope="module")
def pages(reports, tmp_path_factory):
    """A report, comparisons of two and three, and the poorest report that there can be."""
    folder = tmp_path_factory.mktemp("pages")
    report_page(reports[0], command="cairn evaluate <good> data").save(folder / "one.html")
    report_page(paired(reports[:2])).save(folder / "two.html")
    report_page(paired(reports)).save(folder / "three.html")
    cases = reports[0].cases
    alone = replace(
        cases,
        data=cases.data.take([0]),
        predicted=replace(cases.predicted.take([0]), confidence=None, plausible=None),
        groups=np.zeros(1, int),
        **{k: getattr(cases, k)[:1] for k in ("lengths", "errors", "point_errors", "relative", "right")},
    )
    report_page(replace(reports[0], cases=alone, n=1)).save(folder / "poor.html")
    return folder


@pytest.fixture
def look(browser, pages):
    """Open a page; gives it, and the list of all that went wrong."""
    contexts = []

    def opened(name, width=1280, scheme="light", **how):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **how)
        contexts.append(context)
        page, wrong = context.new_page(), []
        address = (pages / f"{name}.html").as_uri()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("data:", address)) else wrong.append(f"request: {request.url}")
            ),
        )
        page.goto(address)
        return page, wrong

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", ["one", "two", "three", "poor"])
def test_pages_are_quiet_fit_the_screen_and_can_be_read(look, name, width, scheme):
    page, wrong = look(name, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    cut_off = (
        "[...document.querySelectorAll('.wide:not([tabindex])')].filter(w => w.scrollWidth > w.clientWidth).length"
    )
    assert page.evaluate(cut_off) == 0
    broken = page.evaluate("[...document.querySelectorAll('svg image')].filter(i => !i.getBBox().width).length")
    assert broken == 0
    page.wait_for_timeout(50)
    assert wrong == []


def test_night_is_dark_and_paper_is_white(look):
    def brightness(page):
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.strip("rgb()").split(",")[:3])) / 3

    page, _ = look("one", scheme="light")
    assert brightness(page) > 240
    page, _ = look("one", scheme="dark")
    assert brightness(page) < 40
    page.emulate_media(media="print")
    assert brightness(page) == 255
    assert page.evaluate(CONTRAST) == []
    assert not page.locator("nav").is_visible()


def test_values_show_under_the_pointer(look):
    page, _ = look("three")
    for kind in (".strip", ".shape .dot", ".square .dot"):
        place = page.locator(kind).first
        bubble = place.locator(".bubble")
        place.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        assert not bubble.is_visible()
        place.hover()
        assert bubble.is_visible()


def test_labels_and_predictions_can_be_hidden(look):
    page, _ = look("one")
    truth, found = page.locator(".shot .truth path").first, page.locator(".shot .found path").first
    assert truth.is_visible()
    page.get_by_label("labels", exact=True).uncheck()
    assert not truth.is_visible()
    assert found.is_visible()
    page.get_by_label("predictions", exact=True).uncheck()
    assert not found.is_visible()


def test_a_picture_grows_when_it_is_chosen_by_keyboard(look):
    page, _ = look("one")
    first = page.locator(".zoom").first
    before = first.bounding_box()["width"]
    first.locator("input").focus()
    page.keyboard.press("Space")
    assert first.bounding_box()["width"] > 1.5 * before


def test_everything_that_can_be_done_can_be_done_by_keyboard(look):
    page, _ = look("one")
    reached = []
    for _ in range(400):
        page.keyboard.press("Tab")
        said = page.evaluate("(e => e === document.body ? '' : e.tagName + ' ' + e.className)(document.activeElement)")
        if not said:
            break
        reached.append(said)
    assert reached[0] == "A skip"
    wanted = page.evaluate("document.querySelectorAll('a, summary, input').length")
    assert sum(r.split()[0] in ("A", "SUMMARY", "INPUT") for r in reached) >= wanted
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_a_page_can_be_printed(look):
    page, _ = look("one")
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("details table").first.is_visible()
