"""One strategy in its process, behaving: what it is told, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import os
import time
from decimal import Decimal

import pytest

from engine.model.inputs import Note, Proposal, StrategyFailed
from engine.model.market import Split
from engine.model.orders import Fill, OrderType, Side
from engine.priority import NICENESS, SESSION_NICENESS
from engine.strategies import supervisor
from engine.strategies.supervisor import Snapshot
from tests.engine.strategies.desk import PATIENCE_S, Desk, make_bar, make_quote

BUYER = """
class Buyer(Strategy):
    size = param(10, low=1, high=100)

    def on_bar(self, ctx, bar):
        seen = len(ctx.bars(bar.symbol))
        ctx.buy(bar.symbol, self.size, limit=bar.close - 0.01, reason="because", strength=0.7, indicators={"seen": seen})
"""


async def test_a_bar_becomes_a_proposal_with_everything_a_person_needs_to_decide(desk: Desk) -> None:
    assert await desk.run(desk.write(BUYER), size=7)
    before = time.monotonic_ns()
    desk.bar(187.5)
    (made,) = await desk.hears(Proposal)
    assert made == Proposal(
        id="run:mine:1",
        strategy="mine",
        symbol="AAPL",
        side=Side.BUY,
        quantity=Decimal(7),
        type=OrderType.LIMIT,
        limit=Decimal("187.49"),
        strength=0.7,
        reason="because",
        votes=made.votes,
        heard=made.heard,
    )
    assert made.votes[0].indicators == (("seen", 1.0),)
    assert before <= made.heard <= time.monotonic_ns()


async def test_the_ready_made_cross_proposes_on_rising_bars(desk: Desk) -> None:
    for close in (*range(160, 100, -1),):
        desk.bars.append(make_bar(len(desk.bars) - 100, float(close)))
    assert await desk.run("sma_cross", fast=5, slow=20)
    for close in range(100, 130, 2):
        desk.bar(float(close))
    (made,) = await desk.hears(Proposal)
    assert (made.side, made.quantity, made.reason) == (Side.BUY, None, "fast average crossed above slow")
    assert [name for name, _ in made.votes[0].indicators] == ["SMA5", "SMA20"]


async def test_ids_stay_unique_and_events_are_told_in_order(desk: Desk) -> None:
    await desk.run(desk.write(BUYER))
    for _ in range(300):
        desk.bar()
    made = await desk.hears(Proposal, count=300)
    assert len({one.id for one in made}) == 300
    assert [one.votes[0].indicators[0][1] for one in made] == [float(count) for count in range(1, 301)]


async def test_the_context_shows_the_account_as_of_the_event(desk: Desk) -> None:
    desk.account = Snapshot(
        Decimal("1234.56"), Decimal("99999.5"), {"AAPL": (Decimal(-3), Decimal("10.5")), "MSFT": (Decimal(0), Decimal(0))}
    )
    await desk.run(
        desk.write("""
        class Shows(Strategy):
            def on_bar(self, ctx, bar):
                print(ctx.cash, ctx.equity, ctx.position("AAPL"), bool(ctx.position("MSFT")), ctx.symbols, ctx.now)
        """),
        symbols=("AAPL", "MSFT"),
    )
    desk.bar()
    (note,) = await desk.hears(Note)
    assert note.text == "1234.56 99999.5 Position(quantity=-3.0, average=10.5) False ('AAPL', 'MSFT') 1"


async def test_warm_up_tells_past_bars_and_drops_what_is_ordered_on_them(desk: Desk) -> None:
    desk.bars = [make_bar(at - 1_000, symbol=symbol) for at in range(600) for symbol in ("AAPL", "MSFT")]
    await desk.run(desk.write(BUYER.replace("size =", "warmup = 400\n    size =")), symbols=("AAPL", "MSFT"))
    desk.bar()
    (made,) = await desk.hears(Proposal)
    assert (made.id, made.votes[0].indicators) == ("run:mine:1", (("seen", 401.0),))


async def test_a_bar_that_came_while_it_was_starting_is_told_once(desk: Desk) -> None:
    await desk.begin(desk.write(BUYER.replace("size =", "warmup = 5\n    size =")))
    desk.bar()
    assert await desk.runner.settled()
    desk.bar()
    await desk.hears(Proposal)
    await desk.runner.stop()
    assert [one.votes[0].indicators[0][1] for one in desk.heard(Proposal)] == [2.0]


async def test_quotes_that_pile_up_are_told_as_their_newest(desk: Desk) -> None:
    await desk.run(
        desk.write("""
        class Watches(Strategy):
            def on_quote(self, ctx, quote):
                ctx.buy(quote.symbol, quote.last)
        """)
    )
    for at in range(1, 500):
        desk.runner.on_quote(make_quote(at, float(at)))
    made = await desk.hears(Proposal, lambda one: one.quantity == 499)
    assert len(made) == 1
    assert len(desk.heard(Proposal)) < 3


async def test_a_fill_reaches_its_strategy(desk: Desk) -> None:
    await desk.run(
        desk.write("""
        class Protects(Strategy):
            def on_bar(self, ctx, bar): ...
            def on_fill(self, ctx, fill):
                ctx.sell(fill.symbol, fill.quantity, stop=float(fill.price) * 0.9)
        """)
    )
    desk.runner.on_fill(Fill("f1", "o1", "AAPL", Side.BUY, Decimal(12), Decimal("100.00"), Decimal(1200), Decimal("0.35"), 5))
    (made,) = await desk.hears(Proposal)
    assert (made.side, made.quantity, made.type, made.stop) == (Side.SELL, Decimal(12), OrderType.STOP, Decimal("90.0"))


async def test_stopping_calls_on_stop_and_ends_the_process(desk: Desk) -> None:
    await desk.run(
        desk.write("""
        class Leaves(Strategy):
            def on_bar(self, ctx, bar): ...
            def on_stop(self, ctx):
                print("goodbye")
        """)
    )
    await desk.runner.stop()
    assert [note.text for note in desk.heard(Note)] == ["goodbye"]
    assert desk.runner.row().state == "stopped"
    assert desk.heard(StrategyFailed) == []


async def test_the_row_is_the_same_object_until_something_changed(desk: Desk) -> None:
    await desk.run(desk.write(BUYER))
    row = desk.runner.row()
    assert (row.name, row.state, row.signals, row.errors, row.answer_ms) == ("mine", "running", 0, 0, None)
    assert desk.runner.row() is row
    desk.bar()
    await desk.hears(Proposal)
    assert desk.runner.row().signals == 1
    assert (desk.runner.row().answer_ms or 0) > 0


async def test_the_plain_function_form_proposes(desk: Desk) -> None:
    desk.bars = [make_bar(at - 1_000, 100.0 + at) for at in range(30)]
    await desk.run(
        desk.write("""
        def strategy(data, symbol, current_price, span=5):
            mean = data["Close"].tail(span).mean()
            return ("BUY" if current_price > mean else "SELL"), 0.9, {"mean": mean}
        """),
        span=10,
    )
    desk.bar(200.0)
    (made,) = await desk.hears(Proposal)
    assert (made.side, made.reason, made.votes[0].indicators[0][0]) == (Side.BUY, "strategy says BUY", "mean")


async def test_after_a_split_it_begins_again_with_its_history_in_the_new_shares(desk: Desk) -> None:
    desk.bars = [make_bar(at - 1_000, 100.0) for at in range(30)]
    await desk.run(
        desk.write("""
        class Mean(Strategy):
            warmup = 20

            def on_start(self, ctx):
                self.closes = []

            def on_bar(self, ctx, bar):
                self.closes.append(bar.close)
                ctx.buy(bar.symbol, 1, reason=f"{sum(self.closes) / len(self.closes):.2f}")
        """)
    )
    desk.bar(100.0)
    await desk.hears(Proposal, lambda one: one.reason == "100.00")
    desk.bars = [make_bar(bar.at, bar.close / 4) for bar in desk.bars]
    desk.runner.on_split(Split("AAPL", 0, Decimal(4)))
    await desk.hears(Note, lambda note: note.text == "AAPL split, so it begins again with its history in the new shares")
    assert await desk.runner.settled()
    desk.bar(25.0)
    await desk.hears(Proposal, lambda one: one.reason == "25.00")
    assert desk.runner.row().errors == 0


@pytest.fixture
def fast_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_S", 0.02)


@pytest.mark.usefixtures("fast_poll")
async def test_an_edited_file_is_taken_over_with_its_history(desk: Desk) -> None:
    source = BUYER.replace("size =", "warmup = 50\n    size =")
    await desk.run(desk.write(source))
    for _ in range(3):
        desk.bar()
    await desk.hears(Proposal, count=3)
    desk.write(source.replace("because", "edited"))
    await desk.hears(Note, lambda note: "the new version runs now" in note.text)
    desk.bar()
    (made,) = await desk.hears(Proposal, lambda one: one.reason == "edited")
    assert (made.id, made.votes[0].indicators[0][1]) == ("run:mine:4", 4.0)


@pytest.mark.usefixtures("fast_poll")
@pytest.mark.parametrize("bad", ["class Buyer(:", "raise RuntimeError('typo')\n" + BUYER, "x = 1"])
async def test_a_bad_edit_keeps_the_old_one_running_and_a_good_one_mends_it(desk: Desk, bad: str) -> None:
    await desk.run(desk.write(BUYER))
    desk.write(bad)
    (note,) = await desk.hears(Note, lambda note: "the old one goes on" in note.text)
    assert "mine.py" in note.text
    desk.bar()
    await desk.hears(Proposal, lambda one: one.reason == "because")
    desk.write(BUYER.replace("because", "mended"))
    await desk.hears(Note, lambda note: "the new version runs now" in note.text)
    desk.bar()
    await desk.hears(Proposal, lambda one: one.reason == "mended")
    assert desk.heard(StrategyFailed) == []


async def test_the_files_beside_it_and_its_own_name_shadow_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("engine", "tradeconsole", "msgspec", "asyncio"):
        (desk.folder / f"{name}.py").write_text("raise RuntimeError('the wrong one')", encoding="utf-8")
    monkeypatch.chdir(desk.folder)
    assert await desk.run(desk.write(BUYER, "engine.py"))
    desk.bar()
    (made,) = await desk.hears(Proposal)
    assert made.strategy == "engine"


async def test_it_runs_niced_and_leaves_ctrl_c_to_the_console(desk: Desk) -> None:
    body = "os.kill(os.getpid(), signal.SIGINT)\n                ctx.buy(bar.symbol, 1 + os.nice(0))"
    await desk.run(
        desk.write(f"""
        class Polite(Strategy):
            def on_bar(self, ctx, bar):
                {body}
        """)
    )
    desk.bar()
    (made,) = await desk.hears(Proposal)
    assert made.quantity == 1 + min(os.nice(0) + NICENESS, 19)


@pytest.mark.skipif(not os.path.exists("/proc/self/autogroup"), reason="only Linux shares the processor between sessions")
async def test_its_session_steps_back_too_for_linux_shares_the_processor_between_sessions_first(desk: Desk) -> None:
    await desk.run(
        desk.write("""
        class Polite(Strategy):
            def on_bar(self, ctx, bar):
                print(open("/proc/self/autogroup").read())
        """)
    )
    until = time.monotonic() + PATIENCE_S
    desk.bar()
    # It is asked again where another session has just been heard, so the first bar may be too early.
    while not (await desk.hears(Note))[-1].text.strip().endswith(f"nice {SESSION_NICENESS}"):
        assert time.monotonic() < until
        desk.told.clear()
        desk.bar()


async def test_who_waits_for_its_answers_waits_for_all_of_them_and_for_one_that_begins_again(desk: Desk) -> None:
    await desk.run(desk.write(BUYER))
    desk.bar()
    desk.bar()
    await asyncio.wait_for(desk.runner.answered(), PATIENCE_S)
    assert len(desk.heard(Proposal)) == 2
    desk.runner.on_split(Split("AAPL", 3, Decimal(2)))
    await asyncio.wait_for(desk.runner.answered(), PATIENCE_S)
    assert desk.runner.row().state == "running"
    desk.bar()
    await asyncio.wait_for(desk.runner.answered(), PATIENCE_S)
    assert len(desk.heard(Proposal)) == 3


async def test_nobody_waits_for_the_answers_of_one_that_runs_no_more(desk: Desk) -> None:
    await desk.run(desk.write(BUYER))
    await desk.runner.disable("a person did")
    desk.bar()
    await asyncio.wait_for(desk.runner.answered(), PATIENCE_S)
    await desk.begin(desk.write("x = 1"))
    await asyncio.wait_for(desk.runner.answered(), PATIENCE_S)
    assert desk.runner.row().state == "disabled"


async def test_loading_it_brings_in_nothing_heavy(desk: Desk) -> None:
    await desk.run(
        desk.write("""
        class Light(Strategy):
            def on_bar(self, ctx, bar):
                print(sorted({"pandas", "numpy", "asyncio", "textual"} & set(sys.modules)))
        """)
    )
    desk.bar()
    (note,) = await desk.hears(Note)
    assert note.text == "[]"


async def test_a_strategy_that_the_engine_disables_answers_no_more_and_stays_disabled(desk: Desk) -> None:
    assert await desk.run(desk.write(BUYER))
    desk.bar()
    await desk.hears(Proposal)
    await desk.runner.disable("It traded 5 orders without a new signal.")
    desk.bar()
    row = desk.runner.row()
    assert (row.state, row.detail) == ("disabled", "It traded 5 orders without a new signal.")
    assert len(await desk.hears(Proposal)) == 1
    assert desk.runner.queue == 0
