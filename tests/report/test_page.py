from html.parser import HTMLParser

import pytest

from cairn.errors import InputError
from cairn.report.blocks import details, facts, figure, gallery, number, prose, table, warning
from cairn.report.markup import tag
from cairn.report.page import Page

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


class Reader(HTMLParser):
    """Elements and their attributes; refuses what is closed in the wrong order."""

    def __init__(self):
        super().__init__()
        self.elements, self.stack, self.text = [], [], []

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in ("img", "br", "input", "meta", "hr", "wbr"):
            self.stack.append(name)

    def handle_endtag(self, name):
        assert self.stack.pop() == name

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.stack == []
    return reader


def full(word):
    page = Page(word, lead=word, above=word, foot=word).opening(warning(word), facts([(word, word, word)]))
    page.section(word, prose(word), table([word], [[word]], caption=word, name=word))
    return page.section("other", details(word, word), figure(tag("b"), word), gallery([tag("b", word)]), short=word)


def test_no_name_can_break_a_page():
    tame, evil = (read(full(word).html()) for word in ("a tame word", EVIL))
    assert [name for name, _ in tame.elements] == [name for name, _ in evil.elements]
    assert "script" not in {name for name, _ in evil.elements}
    assert "".join(evil.text).count(EVIL) == "".join(tame.text).count("a tame word") > 10


def test_contents_lead_to_the_sections():
    page = read(full("x").html())
    targets = {a["href"][1:] for name, a in page.elements if name == "a"}
    assert targets <= {a.get("id") for _, a in page.elements}
    assert len(targets) == 3


def test_the_page_forbids_the_browser_to_load_anything():
    page = read(full("x").html())
    assert any("default-src 'none'" in a.get("content", "") for name, a in page.elements if name == "meta")
    assert not {"script", "link", "iframe", "object"} & {name for name, _ in page.elements}


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    full("x").save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == full("x").html()
    with pytest.raises(InputError):
        full("x").save(tmp_path / "nowhere" / "page.html")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "3"), (12345, "12,345"), (3.14159, "3.14"), (float("nan"), "\u2013"), (float("inf"), "∞"),
        (-0.5, "\u22120.500"), (0.0, "0"), (123.4, "123"), (123456.7, "123,457"), (1e-9, "1.00e-09"),
    ],
)  # fmt: skip
def test_numbers(value, said):
    assert number(value) == said
