"""A frame in fewer bytes shows the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.thrift import thrifty
from tests.console.painted import Painted, Style

COLOURS = st.sampled_from(["38;2;1;2;3", "38;2;9;9;9", "31", "97", "38;5;17", "39", "48;2;0;0;0", "48;2;7;7;7", "44", "49"])
ATTRIBUTES = st.sampled_from(["1", "2", "3", "4", "7", "9", "0", ""])
STYLES = st.lists(COLOURS | ATTRIBUTES, max_size=4).map(lambda parts: f"\x1b[{';'.join(parts)}m")
TEXTS = st.text("ab │▲", max_size=5)
MOVES = st.builds("\x1b[{};{}H".format, st.integers(1, 5), st.integers(1, 20))
FRAMES = st.lists(STYLES | TEXTS | MOVES | st.just("\x1b[0m") | st.just("\r\n"), max_size=40).map("".join)


def seen(*frames: str) -> list[list[tuple[str, Style]]]:
    screen = Painted(20, 5)
    for frame in frames:
        screen.feed(frame.encode())
    return screen.styled


@given(FRAMES, FRAMES)
def test_it_shows_the_same_and_is_never_longer(first: str, second: str) -> None:
    first, second = f"{first}\x1b[0m", f"{second}\x1b[0m"
    assert seen(thrifty(first), thrifty(second)) == seen(first, second)
    assert len(thrifty(first)) <= len(first)


def test_text_on_the_same_ground_says_no_ground_again() -> None:
    a, b = "38;2;1;1;1;48;2;9;9;9", "38;2;2;2;2;48;2;9;9;9"
    frame = f"\x1b[1;1H\x1b[{a}ma\x1b[0m\x1b[{b}mb\x1b[0m\r\n\x1b[2;1H\x1b[{b}mc\x1b[0m"
    assert thrifty(frame) == "\x1b[1;1H\x1b[38;2;1;1;1;48;2;9;9;9ma\x1b[38;2;2;2;2mb\x1b[2;1Hc\x1b[0m"


def test_what_it_does_not_know_it_leaves() -> None:
    for frame in ("\x1b[38;9;1ma\x1b[0m", "\x1b[38;2;1ma\x1b[0m", "\x1b[53ma\x1b[0m", "\x1b[22ma\x1b[0m"):
        assert thrifty(frame) == frame
