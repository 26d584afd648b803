"""What holds for any line: no text breaks the parser, none is two commands, and the normal form means the same."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.meanings import TRADING_VERBS, VERBS, Parsed
from tests.console.lines import VOCABULARY, read

lines = st.lists(st.sampled_from(VOCABULARY.split()), max_size=8).map(" ".join) | st.text(max_size=60)


def is_read_or_has_its_place(text: str) -> bool:
    found = read(text)
    return isinstance(found, Parsed) or (0 <= found.start <= found.end <= len(text) and bool(found.message))


@given(lines)
@settings(max_examples=500, deadline=None)
@example("buy 1 AAPL @ 99999999999999.99")
@example("buy $999999999999999m AAPL @ 0.01")
def test_no_text_breaks_the_parser_and_every_mistake_has_its_place(text: str) -> None:
    assert is_read_or_has_its_place(text)


def test_ten_thousand_lines_of_known_words_and_noise_are_read_or_refused() -> None:
    random = Random(7)
    words = VOCABULARY.split()
    for _ in range(10_000):
        line = [random.choice(words) for _ in range(random.randrange(9))]
        if random.random() < 0.3:
            line.insert(random.randrange(len(line) + 1), "".join(map(chr, random.choices(range(1, 0x2FFF), k=random.randrange(1, 6)))))
        assert is_read_or_has_its_place(" ".join(line)), line


@st.composite
def orders(draw: st.DrawFn) -> list[str]:
    """The parts of a right order, in any order behind the verb."""
    verb = draw(st.sampled_from(["buy", "sell", "BUY", "close"]))
    symbol = draw(st.sampled_from(["AAPL", "IBM", "MSFT", "$ALL", "$DAY"] if verb != "close" else ["AAPL", "IBM"]))
    parts = [symbol]
    if verb != "close" or draw(st.booleans()):
        parts.append(str(draw(st.integers(1, 10**9))))
    price = draw(st.decimals("0.01", "99999", places=2))
    parts += draw(st.sampled_from([[], ["mkt"], [f"@ {price}"], [f"@{price}"], [f"limit {price}"], [f"stop {price}"]]))
    parts += draw(st.sampled_from([[], ["day"], ["gtc"]]))
    parts += draw(st.sampled_from([[], ["reduce"]]))
    return [verb, *draw(st.permutations(parts))]


@given(orders(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_after_the_verb_the_order_of_words_is_free(parts: list[str], random: Random) -> None:
    shuffled = parts[1:]
    random.shuffle(shuffled)
    assert read(" ".join([parts[0], *shuffled])) == read(" ".join(parts))


@given(orders(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_normal_form_is_a_line_that_means_the_same(parts: list[str], preview: bool) -> None:
    found = read(" ".join(["preview", *parts] if preview else parts))
    assert isinstance(found, Parsed)
    assert read(found.normal) == found


@given(orders())
@settings(max_examples=100, deadline=None)
def test_a_verb_that_trades_is_never_abbreviated(parts: list[str]) -> None:
    for end in range(1, len(parts[0])):
        assert not isinstance(read(" ".join([parts[0][:end], *parts[1:]])), Parsed)


COMMANDS = [
    "cancel AAPL",
    "cancel *",
    "cancel #12",
    "flatten",
    "mode semi",
    "sync",
    "replace #12 50 @ 188",
    "oco sell 5 AAPL @ 190 stop 180",
]
commands = st.sampled_from(COMMANDS) | orders().map(" ".join) | orders().map(lambda parts: "preview " + " ".join(parts))


@given(
    commands, st.sampled_from([" ", "; ", " && ", " | ", ", ", "\n", "\r", "\t", "\x0b", "\u2028", " then ", " @ ", " preview "]), commands
)
@settings(max_examples=500, deadline=None)
def test_two_commands_are_never_one_line(first: str, between: str, second: str) -> None:
    assert isinstance(read(first), Parsed)
    assert isinstance(read(second), Parsed)
    assert not isinstance(read(first + between + second), Parsed)


def test_every_verb_is_a_command_of_its_own_line_alone() -> None:
    for verb in VERBS:
        assert not isinstance(read(f"buy 100 AAPL {verb}"), Parsed), verb
    assert set(TRADING_VERBS) < set(VERBS)


def test_no_letter_that_only_looks_like_another_makes_a_command() -> None:
    letters = [chr(code) for code in range(128, 0x110000)]
    folded = [c for c in letters if c.lower().isascii() or c.upper().isascii() or c.casefold().isascii()]
    assert "ſ" in folded
    for line in [*COMMANDS, "buy 10 AAPL", "sell half AAPL day"]:
        for letter in folded:
            for place in range(len(line.split()[0])):
                for written in (line, line.upper()):
                    assert not isinstance(read(written[:place] + letter + written[place + 1 :]), Parsed), (line, letter)
