import pytest

from cairn.report.markup import Markup, join, tag


def test_what_comes_from_outside_is_text_and_never_markup():
    assert tag("td", '<script>alert("1")</script>') == '<td>&lt;script&gt;alert("1")&lt;/script&gt;</td>'
    assert tag("img", alt='"><script>') == '<img alt="&quot;&gt;&lt;script&gt;">'
    assert tag("b", ["&", None, 3]) == "<b>&amp;3</b>"


def test_markup_passes_once_made_and_is_lost_as_soon_as_it_is_handled_as_text():
    inner = tag("i", "x")
    assert tag("p", inner) == "<p><i>x</i></p>"
    assert tag("p", inner + "<b>") == "<p>&lt;i&gt;x&lt;/i&gt;&lt;b&gt;</p>"
    assert isinstance(join(inner, "<"), Markup)


@pytest.mark.parametrize(
    "name", ["a\x00b", "a\x1bb", "evil\u202egnp.exe", "bytes\udcff"], ids=["nul", "escape", "turned", "no text"]
)
def test_what_no_page_can_hold_is_shown_in_another_way(name):
    said = tag("p", name)
    said.encode()
    assert not set(said) & {"\x00", "\x1b", "\u202e"}


def test_attributes():
    assert tag("a", class_="c", aria_label="l", tabindex=0, hidden=True, open=False, id=None) == (
        '<a class="c" aria-label="l" tabindex="0" hidden></a>'
    )
