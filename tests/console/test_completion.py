"""What Tab offers: words that could still come, each of which leads on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.completion import complete
from console.meanings import KEYWORDS, MODE_WORDS, ParseError
from console.order_line.glossary import WORDS
from tests.console.lines import CONTEXT, read
from tests.console.test_any_line import commands, lines


@given(lines)
@settings(max_examples=300, deadline=None)
def test_completion_never_breaks_and_only_completes_the_word_at_the_cursor(text: str) -> None:
    start, candidates = complete(text, CONTEXT)
    typed = text[start:].lower()
    assert all(c.word.lower().startswith((typed, f"${typed}")) for c in candidates)


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("b", ("buy",)),
        ("oco b", ("buy",)),
        ("replace ", ("#12", "#14", "#15", "#16")),
        ("replace #12 ", ("@",)),
        ("replace #16 @ 183.25 ", ("stop",)),
        ("c", ("close", "cancel")),
        ("buy 100 A", ("AAPL", "$ALL")),
        ("buy 100 aa", ("AAPL",)),
        ("buy 100 AAPL @ ", ("bid", "ask", "last")),
        ("buy 100 AAPL @ 1 ", ("day", "gtc", "ioc", "fok", "opg", "cls", "tp", "sl", "ext", "reduce")),
        ("mode r", ("research",)),
        ("cancel #1", ("#12", "#14", "#15", "#16")),
        ("preview s", ("sell",)),
        ("flatten ", ()),
    ],
)
def test_tab_offers_what_could_still_come(text: str, candidates: tuple[str, ...]) -> None:
    assert tuple(candidate.word for candidate in complete(text, CONTEXT)[1]) == candidates


@pytest.mark.parametrize(
    ("text", "candidate", "about"),
    [
        ("cancel #", "#12", "SELL 100 AAPL limit 190.00"),
        ("replace #", "#14", "SELL 100 AAPL trail 2%"),
        ("buy 10 AAPL @ ", "ask", "187.53"),
        ("sell AAPL ", "half", "50.5"),
        ("close ", "IBM", "-200 held"),
        ("buy 10 AAPL @ 187 ", "ioc", "fills at once what it can"),
        ("oco sell 10 AAPL @ 190 ", "trail", "stop that follows the market"),
    ],
)
def test_a_word_is_offered_with_what_it_stands_for(text: str, candidate: str, about: str) -> None:
    assert (candidate, about) in complete(text, CONTEXT)[1]


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("buy AAPL ", "half"),
        ("sell half ", "MSFT"),
        ("close ", "MSFT"),
        ("buy 10 AAPL @ 187 gtc ", "ext"),
        ("sell all AAPL ", "tp"),
        ("replace #15 ", "100"),
        ("buy 10 NEW @ ", "bid"),
    ],
)
def test_what_would_be_a_mistake_is_not_offered(text: str, never: str) -> None:
    assert never not in [candidate.word for candidate in complete(text, CONTEXT)[1]]


def leads_on(text: str) -> bool:
    found = read(text)
    return not isinstance(found, ParseError) or found.unfinished


@given(commands | lines, st.integers(0, 60))
@settings(max_examples=500, deadline=None)
def test_every_word_that_is_offered_leads_on_to_a_command(line: str, cut: int) -> None:
    text = line[:cut]
    start, candidates = complete(text, CONTEXT)
    if leads_on(text[:start]):
        for candidate in candidates:
            assert leads_on(text[:start] + candidate.word), text[:start] + candidate.word


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_line_made_of_what_is_offered_never_goes_wrong(data: st.DataObject) -> None:
    line = ""
    for _ in range(12):
        _, candidates = complete(line, CONTEXT)
        words = [candidate.word for candidate in candidates] + (["10"] if line and leads_on(f"{line}10 ") else [])
        if not words:
            break
        line += f"{data.draw(st.sampled_from(words))} "
        assert leads_on(line), line


def test_every_word_of_the_grammar_is_explained() -> None:
    assert set(WORDS) == {*KEYWORDS, *MODE_WORDS, "@", "*"}


def test_symbols_by_the_hundred_are_offered_without_a_wait() -> None:
    many = replace(CONTEXT, symbols={f"S{n}": CONTEXT.symbols["AAPL"] for n in range(800)})
    assert len(complete("buy 10 S", many)[1]) >= 500
