"""URI templates: the examples of RFC 6570 itself, and what is no template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.csvw.templates import TemplateError, parse_template
from loaders.csvw.terms import escape, is_iri, literal

# RFC 6570 3.2: the variables of its examples.
VALUES = {
    "count": ("one", "two", "three"),
    "dom": ("example", "com"),
    "dub": "me/too",
    "hello": "Hello World!",
    "half": "50%",
    "var": "value",
    "who": "fred",
    "base": "http://example.com/home/",
    "path": "/foo/bar",
    "list": ("red", "green", "blue"),
    "v": "6",
    "x": "1024",
    "y": "768",
    "empty": "",
    "undef": None,
    "empty_list": (),
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{half}", "50%25"),
        ("O{empty}X", "OX"),
        ("O{undef}X", "OX"),
        ("{x,y}", "1024,768"),
        ("{x,hello,y}", "1024,Hello%20World%21,768"),
        ("?{x,undef}", "?1024"),
        ("{var:3}", "val"),
        ("{var:30}", "value"),
        ("{list}", "red,green,blue"),
        ("{list*}", "red,green,blue"),
        ("{empty_list}", ""),
        ("{+var}", "value"),
        ("{+hello}", "Hello%20World!"),
        ("{+half}", "50%25"),
        ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
        ("{+base}index", "http://example.com/home/index"),
        ("here?ref={+path}", "here?ref=/foo/bar"),
        ("{+path:6}/here", "/foo/b/here"),
        ("{+list*}", "red,green,blue"),
        ("{#var}", "#value"),
        ("{#path,x}/here", "#/foo/bar,1024/here"),
        ("foo{#empty}", "foo#"),
        ("foo{#undef}", "foo"),
        ("{.who,who}", ".fred.fred"),
        ("www{.dom*}", "www.example.com"),
        ("X{.list}", "X.red,green,blue"),
        ("X{.empty_list}", "X"),
        ("{/who,dub}", "/fred/me%2Ftoo"),
        ("{/var,empty}", "/value/"),
        ("{/list*}", "/red/green/blue"),
        ("{/var:1,var}", "/v/value"),
        ("{;v,empty,who}", ";v=6;empty;who=fred"),
        ("{;list}", ";list=red,green,blue"),
        ("{;list*}", ";list=red;list=green;list=blue"),
        ("{?x,y,empty}", "?x=1024&y=768&empty="),
        ("{?x,y,undef}", "?x=1024&y=768"),
        ("{?list*}", "?list=red&list=green&list=blue"),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{&var:3}", "&var=val"),
    ],
)
def test_the_rfcs_examples(template: str, expected: str) -> None:
    assert parse_template(template).expand(VALUES) == expected


@pytest.mark.parametrize("template", ["{", "}", "{}", "{a", "a}", "{a b}", "{å}", "{=a}", "{a:0}", "{{a}}"])
def test_no_template(template: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(template)


@given(st.text())
def test_an_expanded_value_makes_an_iri(text: str) -> None:
    encodable = text.encode("utf-8", "ignore").decode()
    assert is_iri(parse_template("https://orebro.se/{v}{/v}{?v}").expand({"v": encodable}))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://örebro.se/ö?a=b#c", True),
        ("urn:isbn:91-0-123456-7", True),
        ("mailto:info@orebro.se", True),
        ("http://[::1]:80/", True),
        ("https://orebro.se/%C3%B6", True),
        ("https://orebro.se/%zz", False),
        ("https://orebro.se/a[1]", False),
        ("https://orebro.se/a b", False),
        ("https://orebro.se/<", False),
        ("https://orebro.se/\n", False),
        ("https://orebro.se/\x7f", False),
        ("//orebro.se/", False),
        ("1:a", False),
        ("", False),
    ],
)
def test_iris(text: str, good: bool) -> None:
    assert is_iri(text) is good


@given(st.text(st.characters(codec="utf-8")))
def test_escaped_text_is_one_line_and_reads_back(text: str) -> None:
    written = literal(text)
    assert "\n" not in written
    assert written == f'"{escape(text)}"'
    back = escape(text).encode("latin-1", "backslashreplace").decode("unicode_escape")
    assert back.encode("utf-16", "surrogatepass").decode("utf-16") == text
