"""The order line's grammar: what each line means, what each mistake says, and that no text can break it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from console.meanings import (
    AcceptPosition,
    CancelOrders,
    ChangeMode,
    CompareWithBroker,
    Context,
    FlattenAll,
    Known,
    Parsed,
    ParseError,
    PlaceOrder,
    PlacePair,
    ReplaceOrder,
    context_of,
)
from console.order_line import parse
from engine.model import Intent, Mode, OrderType, Side, TimeInForce
from engine.model.orders import Terms
from tests.console.lines import CONTEXT, read
from tests.views import order, sample_view


def normal(text: str) -> str:
    found = read(text)
    assert isinstance(found, Parsed), found
    return found.normal


def mistake(text: str) -> ParseError:
    found = read(text)
    assert isinstance(found, ParseError), found
    return found


def intent(text: str) -> Intent:
    found = read(text)
    assert isinstance(found, Parsed), found
    assert isinstance(found.meaning, PlaceOrder)
    return found.meaning.intent


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("buy 100 AAPL", "BUY 100 AAPL market DAY"),
        ("buy 100 AAPL @ 187.50 day", "BUY 100 AAPL limit 187.50 DAY"),
        ("buy 100 AAPL @187.5", "BUY 100 AAPL limit 187.50 DAY"),
        ("buy day @ 187.50 AAPL 100", "BUY 100 AAPL limit 187.50 DAY"),
        ("  buy   100   AAPL  ", "BUY 100 AAPL market DAY"),
        ("buy 1,000 AAPL limit 187.50 gtc", "BUY 1000 AAPL limit 187.50 GTC"),
        ("sell 10 AAPL lmt 190", "SELL 10 AAPL limit 190.00 DAY"),
        ("sell half AAPL mkt", "SELL 50 AAPL market DAY reduce"),
        ("sell all AAPL", "SELL 101 AAPL market DAY reduce"),
        ("sell 25% AAPL", "SELL 25 AAPL market DAY reduce"),
        ("buy all IBM", "BUY 200 IBM market DAY reduce"),
        ("sell 10 AAPL reduce", "SELL 10 AAPL market DAY reduce"),
        ("buy $5k AAPL", "BUY $5000 AAPL market DAY"),
        ("buy $5k AAPL @ 100", "BUY $5000 AAPL limit 100.00 DAY"),
        ("sell $1,000 AAPL", "SELL $1000 AAPL market DAY"),
        ("buy $1.5m MSFT", "BUY $1500000 MSFT market DAY"),
        ("buy $2k $ALL", "BUY $2000 $ALL market DAY"),
        ("buy 10 MSFT @ bid+0.02", "BUY 10 MSFT limit 402.10 DAY"),
        ("buy 10 MSFT @ ask", "BUY 10 MSFT limit 402.12 DAY"),
        ("sell 10 MSFT @ last-0.10", "SELL 10 MSFT limit 402.00 DAY"),
        ("sell 100 AAPL stop 184", "SELL 100 AAPL stop 184.00 DAY"),
        ("sell 100 AAPL stop 184 gtc", "SELL 100 AAPL stop 184.00 GTC"),
        ("buy 1 ES @ 5000.25", "BUY 1 ES limit 5000.25 DAY"),
        ("buy 1 BRK.B", "BUY 1 BRK.B market DAY"),
        ("buy 10 $DAY day", "BUY 10 $DAY market DAY"),
        ("buy 10 AAPL DAY", "BUY 10 AAPL market DAY"),
        ("close AAPL", "SELL 101 AAPL market DAY reduce"),
        ("close AAPL 50%", "SELL 50 AAPL market DAY reduce"),
        ("close half AAPL @ 190 gtc", "SELL 50 AAPL limit 190.00 GTC reduce"),
        ("close 30 IBM", "BUY 30 IBM market DAY reduce"),
        ("cancel AAPL", "CANCEL AAPL"),
        ("cancel $ALL", "CANCEL $ALL"),
        ("cancel *", "CANCEL *"),
        ("cancel #12", "CANCEL #12"),
        ("flatten", "FLATTEN"),
        ("mode semi", "MODE SEMI_AUTO"),
        ("mode manual", "MODE MANUAL"),
        ("mode full_auto", "MODE FULL_AUTO"),
        ("mode research", "MODE RESEARCH"),
        ("preview buy 10 MSFT", "PREVIEW BUY 10 MSFT market DAY"),
        ("sell 100 AAPL stop 184 @ 183.50", "SELL 100 AAPL stop 184.00 limit 183.50 DAY"),
        ("sell 100 AAPL stop 184 gtc lmt 183.5", "SELL 100 AAPL stop 184.00 limit 183.50 GTC"),
        ("sell all AAPL trail 1.5%", "SELL 101 AAPL trail 1.5% DAY reduce"),
        ("sell 10 AAPL trail 2.5 gtc", "SELL 10 AAPL trail 2.50 GTC"),
        ("buy 10 AAPL @ ask ioc", "BUY 10 AAPL limit 187.53 IOC"),
        ("buy 10 AAPL @ 187 fok", "BUY 10 AAPL limit 187.00 FOK"),
        ("buy 10 AAPL opg", "BUY 10 AAPL market OPG"),
        ("buy 10 AAPL open", "BUY 10 AAPL market OPG"),
        ("sell 10 AAPL @ 190 cls", "SELL 10 AAPL limit 190.00 CLS"),
        ("buy 10 AAPL @ 187 ext", "BUY 10 AAPL limit 187.00 DAY ext"),
        ("buy 10 AAPL tp +4% sl -2%", "BUY 10 AAPL market DAY tp +4% sl -2%"),
        ("buy 10 AAPL tp 4% sl 2%", "BUY 10 AAPL market DAY tp +4% sl -2%"),
        ("sell 10 MSFT tp 4% sl +2%", "SELL 10 MSFT market DAY tp -4% sl +2%"),
        ("buy 10 AAPL @ 187 tp 195 sl 184.5 gtc", "BUY 10 AAPL limit 187.00 GTC tp 195.00 sl 184.50"),
        ("buy 10 AAPL sl trail 2%", "BUY 10 AAPL market DAY sl trail 2%"),
        ("buy 10 AAPL sl trail 1.5", "BUY 10 AAPL market DAY sl trail 1.50"),
        ("buy 10 AAPL sl bid-2", "BUY 10 AAPL market DAY sl 185.51"),
        ("buy $5k AAPL @ bid+0.02 tp +4% sl -2%", "BUY $5000 AAPL limit 187.53 DAY tp +4% sl -2%"),
        ("buy AAPL risk 0.5% sl 184", "BUY 141 AAPL market DAY sl 184.00"),
        ("buy AAPL @ 186 risk 0.5% sl 184", "BUY 250 AAPL limit 186.00 DAY sl 184.00"),
        ("buy AAPL risk $500 sl -2%", "BUY 133 AAPL market DAY sl -2%"),
        ("sell MSFT risk 1% sl 405 tp 390", "SELL 342 MSFT market DAY tp 390.00 sl 405.00"),
    ],
)
def test_a_line_is_read_as_its_normal_form(line: str, means: str) -> None:
    assert normal(line) == means


def test_an_order_carries_exact_numbers() -> None:
    assert intent("buy 100 AAPL @ 187.50 gtc") == Intent(
        "AAPL", Side.BUY, Decimal(100), OrderType.LIMIT, limit=Decimal("187.50"), tif=TimeInForce.GTC
    )
    assert intent("sell 5 AAPL stop 184") == Intent("AAPL", Side.SELL, Decimal(5), OrderType.STOP, stop=Decimal("184.00"))


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("buy 100 AAPL @ ask-0,02", "0.02"),
        ("buy $1,5k AAPL", "1.5"),
        ("buy AAPL risk $1,5k sl 2%", "1.5"),
        ("sell $12,50 AAPL", "12.50"),
    ],
)
def test_a_comma_between_anything_but_thousands_makes_no_number_ten_times_as_large(line: str, right: str) -> None:
    found = read(line)
    assert isinstance(found, ParseError)
    assert found.right == (right,)


def test_what_a_replace_does_not_name_stays_as_it_was_last_asked_to_be() -> None:
    moved = replace(order(12), asked=Terms(Decimal(100), limit=Decimal("191.00")))
    found = parse("replace #12 50", replace(CONTEXT, working={12: moved}))
    assert isinstance(found, Parsed)
    assert found.meaning == ReplaceOrder("t1-12", Terms(Decimal(50), limit=Decimal("191.00")))


def test_a_risk_says_how_it_came_to_its_quantity() -> None:
    found = read("buy AAPL risk 0.5% sl 184")
    assert isinstance(found, Parsed)
    assert found.note == "141 is 0.5% of 100,000.00 / 3.53 a share"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("buy 100 AAPL @ 187.50 tp +4% sl -2%", "tp +750.00 sl -375.00"),
        ("buy 100 AAPL @ 187.50 tp 190 sl trail 1.50", "tp +250.00 sl -150.00"),
        ("sell 10 MSFT tp 392.08 sl +1%", "tp +100.00 sl -40.21"),
        ("buy $5k AAPL @ 187.50 sl -2%", "sl -97.50"),
        ("buy 10 NEW sl -2%", ""),
    ],
)
def test_an_order_with_exits_says_what_they_would_make_and_lose(line: str, note: str) -> None:
    found = read(line)
    assert isinstance(found, Parsed)
    assert found.note == note


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("buy 10 AAPL stop 180", "stop reached already, at 187.53"),
        ("sell 10 AAPL stop 190 @ 189", "stop reached already, at 187.51"),
        ("buy 10 AAPL stop 187.53 sl 180", "stop reached already, at 187.53   sl -75.30"),
        ("buy 10 AAPL stop 187.54", ""),
        ("sell 10 AAPL stop 187.50", ""),
    ],
)
def test_a_stop_that_the_market_has_reached_already_is_said_to_be_so(line: str, note: str) -> None:
    found = read(line)
    assert isinstance(found, Parsed)
    assert found.note == note


def test_whatever_is_counted_from_the_position_can_only_reduce_it() -> None:
    for line in ("sell half AAPL", "sell all AAPL", "sell 10% AAPL", "close AAPL", "close 30 AAPL", "buy half IBM"):
        assert intent(line).reduce_only, line


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("cancel #12", CancelOrders(order_id="t1-12")),
        ("cancel AAPL", CancelOrders(symbol="AAPL")),
        ("cancel *", CancelOrders()),
        ("sync", CompareWithBroker()),
        ("accept AAPL", AcceptPosition("AAPL")),
        ("replace #12 @ 188.20", ReplaceOrder("t1-12", Terms(Decimal(100), limit=Decimal("188.20")))),
        ("replace #12 50 @ 188", ReplaceOrder("t1-12", Terms(Decimal(50), limit=Decimal("188.00")))),
        ("replace #12 50", ReplaceOrder("t1-12", Terms(Decimal(50), limit=Decimal("190.00")))),
        ("replace #14 trail 1.5%", ReplaceOrder("t1-14", Terms(Decimal(100), trail_pct=Decimal("1.5")))),
        ("replace #14 40 trail 2.50", ReplaceOrder("t1-14", Terms(Decimal(40), trail=Decimal("2.50")))),
        ("replace #15 lmt ask", ReplaceOrder("t1-15", Terms(Decimal(100), limit=Decimal("187.53")))),
        ("replace #16 stop 184.50", ReplaceOrder("t1-16", Terms(Decimal(100), limit=Decimal("183.00"), stop=Decimal("184.50")))),
        (
            "oco sell 100 AAPL @ 190 stop 180 gtc",
            PlacePair(
                Intent("AAPL", Side.SELL, Decimal(100), OrderType.LIMIT, limit=Decimal(190), tif=TimeInForce.GTC),
                Intent("AAPL", Side.SELL, Decimal(100), OrderType.STOP, stop=Decimal(180), tif=TimeInForce.GTC),
            ),
        ),
        ("mode semi-auto", ChangeMode(Mode.SEMI_AUTO)),
        ("flatten", FlattenAll()),
    ],
)
def test_a_command_means(line: str, meaning: Any) -> None:
    found = read(line)
    assert isinstance(found, Parsed)
    assert found.meaning == meaning


@pytest.mark.parametrize(
    ("line", "wrong", "says", "right"),
    [
        ("b 100 AAPL", "b", "no verb", "buy"),
        ("Buy 100 AAPL", "Buy", "no verb", "buy"),
        ("byu 100 AAPL", "byu", "no verb", "buy"),
        ("100 AAPL", "100", "no verb", "buy"),
        ("buy 100 AAPL 187.50", "187.50", "reads as a quantity or as a price", "@ 187.50"),
        ("buy 10 ALL", "ALL", "reads as the symbol or as the word", "$ALL"),
        ("sell ALL AAPL", "ALL", "reads as the symbol or as the word", "all"),
        ("buy 10 DAY", "DAY", "reads as the symbol or as the word", "$DAY"),
        ("sell HALF AAPL", "HALF", "keywords are lower case", "half"),
        ("buy 10 AAPL MKT", "MKT", "keywords are lower case", "mkt"),
        ("buy 100 aapl", "aapl", "symbols are upper case", "AAPL"),
        ("buy 100 Aapl", "Aapl", "symbols are upper case", "AAPL"),
        ("buy 100 AAPK day", "AAPK", "not watched", "AAPL"),
        ("buy 100 AAPL MSFT", "MSFT", "a second symbol", "one symbol a line"),
        ("buy 100 AAPL $5k", "$5k", "a second quantity", "one of them"),
        ("buy 100 AAPL day gtc", "gtc", "a second time in force", "one of them"),
        ("buy 100 AAPL @ 187 stop 184", "stop", "reads as a stop-limit order or as a stop-loss", "sl 184"),
        ("buy 100 AAPL @ 187.505", "187.505", "off the tick", "187.51"),
        ("buy 1 ES @ 5000.10", "5000.10", "off the tick", "5000.25"),
        ("buy 100 AAPL @ cheap", "cheap", "no price", "bid"),
        ("buy 100 NEW @ bid", "bid", "NEW has no bid", "187.50"),
        ("buy 100 ALL", "ALL", "reads as", "$ALL"),
        ("buy $5k NEW", "$5k", "has no price yet", "a number of shares"),
        ("buy $10 AAPL", "$10", "less than one lot", "$188"),
        ("buy 100 AAPL @ bid-500", "bid-500", "above zero", "187.50"),
        ("buy 100 AAPL @ bid+0.005", "bid+0.005", "0.005 is off the tick", "bid+0.01"),
        ("buy 1 ES @ bid-0.30", "bid-0.30", "0.30 is off the tick", "bid-0.25"),
        ("buy 100 AAPL @ 0", "0", "above zero", "bid"),
        ("sell 10 AAPL trail 0", "0", "a distance is above zero", "1.5%"),
        ("buy 10 AAPL tp 0", "0", "above zero", "+4%"),
        ("buy 0 AAPL", "0", "above zero", "100"),
        ("buy 0.5 AAPL", "0.5", "lots of 1", "1"),
        ("sell 150% AAPL", "150%", "at most 100%", "50%"),
        ("sell half MSFT", "half", "no position in MSFT", "100"),
        ("buy half AAPL", "half", "AAPL is long 101", "100"),
        ("close MSFT", "MSFT", "no position in MSFT to close", "AAPL"),
        ("close NVDA 50%", "NVDA", "no position in NVDA to close", "AAPL"),
        ("cancel NVDA", "NVDA", "no order works in NVDA", "AAPL"),
        ("sell 10 AAPL tp +4%", "+4%", "the profit of a sell lies below its entry", "-4%"),
        ("buy 10 AAPL sl +2%", "+2%", "the loss of a buy lies below its entry", "-2%"),
        ("buy 10 AAPL tp trail 2%", "trail", "a take-profit does not trail", "+4%"),
        ("buy 10 AAPL tp +4.5 day", "+4.5", "a distance is in per cent", "+4%"),
        ("buy 10 AAPL tp 4% tp 5%", "tp", "a second take-profit", "one of them"),
        ("buy 10 AAPL sl 184.005", "184.005", "off the tick", "184.00"),
        ("sell half AAPL tp -4%", "tp", "only closes has no exits", "stop 184.00"),
        ("sell 10 AAPL trail cheap", "cheap", "no distance", "1.5%"),
        ("sell 10 AAPL trail 150%", "150%", "under 100%", "1.5%"),
        ("sell 10 AAPL stop 184 trail 1%", "trail", "a second order type, after stop", "trail 1.5%"),
        ("sell 10 AAPL stop 184 ioc", "ioc", "IOC takes market and limit orders alone", "day"),
        ("buy 10 AAPL ext", "ext", "limit orders for the day", "@ 187.50 day ext"),
        ("buy 10 AAPL close", "close", "reads as a command or as the closing auction", "cls"),
        ("buy 100 AAPL risk 1% sl 184", "risk", "a second quantity", "one of them"),
        ("buy AAPL risk 1% sl 190", "1%", "must lie below the entry at 187.53", "sl -2%"),
        ("buy AAPL risk $2 sl 184", "$2", "one lot risks 3.53", "more risk"),
        ("buy AAPL risk much sl 184", "much", "no risk: much", "0.5%"),
        ("buy NEW risk 1% sl 184", "1%", "has no price yet", "a number of shares"),
        ("buy 99999999999999999999 AAPL", "99999999999999999999", "more digits", "100"),
        ("buy 100 AAPL; sell 5 MSFT", "AAPL;", "not known here", "AAPL"),
        ("buy 100 AAPL sell 5 MSFT", "sell", "one command a line", "Enter between them"),
        ("replace #12 @ 190", "#12", "is 100 limit 190.00 already", "@ 187.50"),
        ("replace #12 stop 180", "stop", "#12 is a limit order and has no stop", "@ 187.50"),
        ("replace #14 30", "30", "30 of it have filled already", "cancel #14"),
        ("replace #15 50 @ 188", "50", "hangs together with others", "@ 187.50"),
        ("replace #12 50 188", "188", "reads as a second quantity or as a price", "@ 188"),
        ("replace #12 gtc", "gtc", "changes quantity and prices alone", "@ 187.50"),
        ("replace #16 @ 183.10", "183.10", "off the tick of ES", "183.25"),
        ("replace #9 50", "#9", "no working order", "#12"),
        ("replace 12 50", "12", "an order goes by its number", "#12"),
        ("replace AAPL 50", "AAPL", "an order goes by its number", "#12"),
        ("replace #12 cancel", "cancel", "changes quantity and prices alone", "@ 187.50"),
        ("oco cancel *", "cancel", "no verb of an order", "sell"),
        ("oco sell $5k AAPL @ 190 stop 180", "$5k", "share one number of shares", "100"),
        ("oco sell 5 AAPL @ 190 stop 180 tp 4%", "tp", "in a pair", "stop 184.00"),
        ("oco sell 5 AAPL @ 190 stop 180 trail 2%", "trail", "a second order type", "trail 1.5%"),
        ("oco sell 5 AAPL @ 190 ioc", "ioc", "in a pair", "gtc"),
        ("buy 100 AAPL at 187.50", "at", "not known here", "@ 187.50"),
        ("buy 100 AAPL moc", "moc", "not known here", "cls"),
        ("close *", "*", "all positions at once", "flatten"),
        ("short 100 AAPL", "short", "no verb", "sell"),
        ("modify", "modify", "no verb", "replace"),
        ("kill", "kill", "the stop is a key", "F12 or ^G"),
        ("STOP", "STOP", "the stop is a key", "F12 or ^G"),
        ("sync now", "now", "one command a line", "nothing here"),
        ("cancel 12", "12", "an order goes by its number", "#12"),
        ("cancel #99", "#99", "no working order", "#12"),
        ("cancel all", "all", "everything is a star", "*"),
        ("cancel * now", "now", "one command a line", "nothing here"),
        ("flatten AAPL", "AAPL", "one command a line", "nothing here"),
        ("mode turbo", "turbo", "no mode", "semi"),
        ("preview cancel *", "cancel", "only an order can be previewed", "buy"),
    ],
)
def test_a_mistake_is_shown_at_its_word_with_what_would_be_right(line: str, wrong: str, says: str, right: str) -> None:
    found = mistake(line)
    assert line[found.start : found.end] == wrong
    assert says in found.message
    assert right in found.right
    assert not found.unfinished


@pytest.mark.parametrize(
    ("line", "next_word"),
    [
        ("", "buy"),
        ("bu", "buy"),
        ("buy", "100"),
        ("buy ", "AAPL"),
        ("buy 100", "AAPL"),
        ("buy 100 AA", "AAPL"),
        ("buy AAPL", "100"),
        ("buy 100 AAPL @", "bid"),
        ("buy 100 AAPL @ b", "bid"),
        ("buy 100 AAPL @ bid+", "bid+0.02"),
        ("buy 100 AAPL g", "gtc"),
        ("buy 100 AAPL tp", "+4%"),
        ("buy 100 AAPL tp +", "+4%"),
        ("buy 100 AAPL tp +5", "+5%"),
        ("sell 100 AAPL sl", "+2%"),
        ("buy 100 AAPL sl tr", "trail"),
        ("buy 100 AAPL sl trail", "2%"),
        ("sell 100 AAPL trail", "1.5%"),
        ("sell 100 AAPL stop 184 @", "bid"),
        ("buy AAPL risk", "0.5%"),
        ("buy AAPL risk 1", "1%"),
        ("buy AAPL risk 1%", "sl -2%"),
        ("sell AAPL risk 1%", "sl +2%"),
        ("buy 100 AAPL @ 187 e", "ext"),
        ("replace", "#12"),
        ("replace #1", "#12"),
        ("replace #12", "@ 187.50"),
        ("replace #12 @", "bid"),
        ("replace #14 tr", "trail"),
        ("oco", "sell"),
        ("oco se", "sell"),
        ("oco sell 5 AAPL", "@ 187.50"),
        ("oco sell 5 AAPL @ 190", "stop 184.00"),
        ("cancel", "*"),
        ("cancel #", "#12"),
        ("mode", "semi"),
        ("mode se", "semi"),
        ("preview", "buy"),
    ],
)
def test_a_line_that_is_only_unfinished_is_no_mistake(line: str, next_word: str) -> None:
    found = mistake(line)
    assert found.unfinished
    assert next_word in found.right


def test_a_finished_word_of_no_meaning_is_a_mistake_once_another_follows() -> None:
    assert mistake("bu 100").unfinished is False
    assert mistake("buy 100 AA day").unfinished is False


@pytest.mark.parametrize(
    "line",
    [
        "cancel AAPL",
        "cancel $ALL",
        "cancel *",
        "cancel #12",
        "mode semi",
        "mode full",
        "flatten",
        "sync",
        "replace #12 @ 188",
        "replace #14 40 trail 2.50",
        "replace #16 stop 185",
        "oco close AAPL @ 190 stop 180",
        "oco buy 5 MSFT trail 2% @ 390 gtc",
    ],
)
def test_the_normal_form_of_a_command_means_the_same(line: str) -> None:
    found = read(line)
    assert isinstance(found, Parsed)
    assert read(found.normal) == found


@pytest.mark.parametrize(
    ("line", "terms", "note"),
    [
        ("replace #17 @ 200", Terms(Decimal(100), Decimal("200.00")), "100 limit 4% -> 100 limit 200.00"),
        ("replace #17 limit 5.5%", Terms(Decimal(100), exit_pct=Decimal("5.5")), "100 limit 4% -> 100 limit 5.5% from its entry"),
    ],
)
def test_an_exit_that_is_held_takes_a_price_or_another_distance_from_its_entry(line: str, terms: Terms, note: str) -> None:
    context = replace(CONTEXT, working={17: order(17, limit=None, exit_pct=Decimal("4.0"), parent="t1-16", released=False)})
    found = parse(line, context)
    assert isinstance(found, Parsed)
    assert found.meaning == ReplaceOrder("t1-17", terms)
    assert found.note == f"#17 SELL AAPL: {note}"
    assert parse(found.normal, context) == found


def test_a_replace_shows_what_was_and_what_will_be() -> None:
    found = read("replace #14 40 trail 1.5%")
    assert isinstance(found, Parsed)
    assert found.normal == "REPLACE #14 40 trail 1.5%"
    assert found.note == "#14 SELL AAPL: 100 trail 2% -> 40 trail 1.5%, 30 of it filled"


def test_the_context_is_what_the_view_shows() -> None:
    context = context_of(sample_view())
    assert context.symbols["AAPL"].position == 100
    assert context.symbols["IBM"].position == -200
    assert sorted(context.working) == [11, 12]
    assert context.equity == Decimal("101284.50")


IN_PARTS = Context(symbols={"AAPL": Known(bid=187.51, ask=187.53, last=187.52, position=Decimal("2.5"), fraction=Decimal("0.0001"))})


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("buy $500 AAPL", "BUY $500 AAPL market DAY"),
        ("buy $10 AAPL", "BUY $10 AAPL market DAY"),
        ("buy 0.5 AAPL", "BUY 0.5 AAPL market DAY"),
        ("buy AAPL @ 200 risk $10 sl 199", "BUY 10 AAPL limit 200.00 DAY sl 199.00"),
        ("close AAPL", "SELL 2.5 AAPL market DAY reduce"),
        ("close AAPL half", "SELL 1.25 AAPL market DAY reduce"),
    ],
)
def test_where_the_broker_trades_parts_of_a_share_a_line_may_ask_for_them(line: str, written: str) -> None:
    found = parse(line, IN_PARTS)
    assert isinstance(found, Parsed), found
    assert found.normal == written


def test_a_part_of_a_share_good_till_cancelled_is_a_mistake_of_the_line() -> None:
    found = parse("buy 0.5 AAPL @ 187 gtc", IN_PARTS)
    assert isinstance(found, ParseError)
    assert found.message == "AAPL trades in lots of 1 here"
