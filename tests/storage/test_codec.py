"""The journal's text: what goes in comes out, to the last digit."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.journal import JournalError
from engine.model.modes import Level
from engine.model.orders import OrderType, Side
from engine.model.records import Checkpoint, Noted, Record, SignalRaised, StrategyErrored
from engine.model.signals import Signal, Vote
from engine.model.verdicts import PASSED
from storage.codec import MOST_TEXT, RECORDS, decode, encode
from tests.storage.strategies import KINDS, any_record


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_any_record_comes_back_as_it_was(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(any_record(kind))
    name, body = encode(record)
    assert name == kind.__name__
    # repr tells 1.50 from 1.5 and 1E+2 from 100, which == does not
    assert repr(decode(1, name, body)) == repr(record)


def test_every_kind_has_a_name_of_its_own() -> None:
    assert set(RECORDS.values()) == set(KINDS)


def test_numbers_that_json_lacks_come_back() -> None:
    votes = (Vote("rsi", None, math.inf, (("rsi", math.nan), ("low", -math.inf))),)
    signal = Signal("s", 1, "rsi", "IBM", Side.BUY, Decimal(1), OrderType.MARKET, None, None, Decimal(1), math.nan, "null", votes, 1, 2)
    record = SignalRaised(signal, PASSED, 3)
    assert repr(decode(1, *encode(record))) == repr(record)


def test_half_a_character_is_kept_as_a_question_mark() -> None:
    assert decode(1, *encode(Noted(Level.INFO, "file", "a\ud800b", "", 1))) == Noted(Level.INFO, "file", "a?b", "", 1)


def test_an_absurdly_long_text_is_cut_and_the_rest_of_the_record_is_kept() -> None:
    vote = Vote("rsi", None, math.inf, ((3 * MOST_TEXT * "y", 1.0),))
    record = StrategyErrored("rsi", "x" * (MOST_TEXT + 1_234), "\x00" * 5, True, 7)
    kept = decode(1, *encode(record))
    assert kept == replace(record, error="x" * MOST_TEXT + " … (1,234 more characters were cut)")
    signal = Signal("s", 1, "rsi", "IBM", Side.BUY, Decimal("1.50"), OrderType.MARKET, None, None, Decimal(1), 0.5, "", (vote,), 1, 2)
    raised = decode(1, *encode(SignalRaised(signal, PASSED, 3)))
    assert isinstance(raised, SignalRaised)
    assert repr(replace(raised.signal, votes=())) == repr(replace(signal, votes=()))
    assert raised.signal.votes[0].indicators[0][0].endswith("(200,000 more characters were cut)")


def test_a_checkpoint_is_never_cut() -> None:
    checkpoint = Checkpoint("shape", "x" * 5 * MOST_TEXT, 1)
    assert decode(1, *encode(checkpoint)) == checkpoint


def test_fields_that_nobody_knows_any_more_are_let_pass() -> None:
    assert decode(1, "RunEnded", '{"run_id":"a","at":1,"mood":"good"}') == RECORDS["RunEnded"]("a", 1)  # type: ignore[call-arg,arg-type]


def test_an_unknown_kind_is_refused_by_its_number() -> None:
    with pytest.raises(JournalError, match=r"Entry 17 .*'Weather'"):
        decode(17, "Weather", "{}")


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"run_id":1,"at":1}', '{"run_id":"a","at":"soon"}'])
def test_a_bad_body_is_refused_by_its_number(body: str) -> None:
    with pytest.raises(JournalError, match=r"Entry 17 .*RunEnded"):
        decode(17, "RunEnded", body)


def test_what_is_not_a_record_is_refused() -> None:
    with pytest.raises(JournalError, match="str is not a record"):
        encode("RunEnded")  # type: ignore[arg-type]
