"""Several accounts as one engine: what is done in one is done there alone, what is for all reaches all, and none holds up another."""

from __future__ import annotations

import threading
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from console.accounts.engines import STARTS_S, AccountEngines, engine_of, view_of
from engine.combined import Combined
from engine.latch import LATCH_S
from engine.model import Intent, Level, Mode, Side, View
from engine.model.effects import Reply
from engine.model.market import Quote
from engine.model.settings import ALONE, CombinedLimits
from engine.model.standing import Standing
from engine.model.views import LogLine
from tests.console.driving import Clock
from tests.console.fake_engine import FakeEngine
from tests.views import sample_health, sample_view

UNTIL = 10.0
ONE_SHARE = Intent("AAPL", Side.BUY, Decimal(1))


def three(clock: Clock | None = None, **preferred: str) -> tuple[AccountEngines, dict[str, FakeEngine]]:
    engines = {name: FakeEngine(sample_view(log=()), account=name) for name in ("one", "two", "far")}
    return AccountEngines(engines, preferred=preferred, clock=clock or Clock()), engines


def reply(view: View, command_id: str) -> Reply | None:
    return next((each for each in view.replies if each.command_id == command_id), None)


def test_what_is_sent_goes_to_the_current_account_alone() -> None:
    accounts, engines = three()
    accounts.submit(ONE_SHARE)
    accounts.switch("far")
    accounts.set_mode(Mode.RESEARCH)
    engine_of(accounts, "two").cancel(symbol="AAPL")
    assert engines["one"].sent() == [("submit", ONE_SHARE)]
    assert engines["far"].sent() == [("set_mode", Mode.RESEARCH)]
    assert engines["two"].sent() == [("cancel", "", "AAPL")]


def test_the_view_is_the_current_accounts_and_tells_how_all_stand() -> None:
    accounts, engines = three()
    engines["two"].change(positions=())
    assert (accounts.view().name, len(accounts.view().positions)) == ("one", 2)
    before = accounts.view().revision
    accounts.switch("two")
    view = accounts.view()
    assert (view.name, view.positions, view.revision > before) == ("two", (), True)
    assert [each.name for each in view.accounts] == ["one", "two", "far"]
    assert {row.account for row in view.accounts[0].positions} == {"one"}


def test_a_view_in_which_nothing_changed_is_the_same_object_and_so_is_a_row() -> None:
    accounts, engines = three()
    before = accounts.view()
    assert accounts.view() is before
    engines["one"].change(orders=())
    after = accounts.view()
    assert after is not before
    assert after.positions[0] is before.positions[0]


def test_an_answer_is_heard_whichever_account_it_comes_from() -> None:
    accounts, _ = three()
    here, there = accounts.submit(ONE_SHARE), engine_of(accounts, "far").submit(ONE_SHARE)
    view = accounts.view()
    assert here != there
    assert reply(view, here) is not None
    assert reply(view, there) is not None


@pytest.mark.parametrize("do", ["emergency_stop", "liquidate_all"])
def test_the_stop_and_the_flatten_reach_every_account_and_answer_once_for_all(do: str) -> None:
    accounts, engines = three()
    command_id = getattr(accounts, do)()
    assert [call[0] for engine in engines.values() for call in engine.sent()] == [do] * 3
    assert reply(accounts.view(), command_id) == Reply(command_id, True, "one: done; two: done; far: done")


def test_the_stop_of_an_account_that_does_not_answer_is_told_by_its_name_and_holds_up_no_other() -> None:
    clock = Clock()
    accounts, engines = three(clock)
    engines["two"].silent = True
    command_id = accounts.emergency_stop()
    assert reply(accounts.view(), command_id) is None
    clock.now += 2
    told = reply(accounts.view(), command_id)
    assert told == Reply(command_id, False, "one: done; two: has not answered yet; its gate was shut at once; far: done")


def test_an_engine_that_breaks_at_the_stop_keeps_no_other_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()

    def broken(reason: str = "", *, latch_s: float = 0) -> str:
        raise RuntimeError("out of its mind")

    monkeypatch.setattr(engines["one"], "emergency_stop", broken)
    command_id = accounts.emergency_stop()
    assert [engines[name].sent() for name in ("two", "far")] == [[("emergency_stop", "stop key")]] * 2
    told = reply(accounts.view(), command_id)
    assert told is not None
    assert (told.ok, told.text.startswith("one: RuntimeError: out of its mind; two: done")) == (False, True)


def test_every_gate_is_shut_before_the_first_latch_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    order: list[str] = []
    for name, engine in engines.items():

        def stop(reason: str = "", *, latch_s: float = LATCH_S, name: str = name) -> str:
            order.append(f"{name} shut, waits {latch_s:g}")
            return name

        def latched(within_s: float, name: str = name) -> bool:
            order.append(f"{name} latched")
            return True

        monkeypatch.setattr(engine, "emergency_stop", stop)
        monkeypatch.setattr(engine, "latched", latched)
    accounts.emergency_stop()
    shut = [f"{name} shut, waits 0" for name in ("one", "two", "far")]
    assert (order[:3], sorted(order[3:])) == (shut, ["far latched", "one latched", "two latched"])


def test_a_stop_that_is_not_on_the_disk_in_time_is_told_of_its_account_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    others = threading.Barrier(2)

    def hangs(within_s: float) -> bool:
        others.wait(UNTIL)
        return False

    def is_written(within_s: float) -> bool:
        # While the first one's disk is still waited for.
        others.wait(UNTIL)
        return True

    def broken(within_s: float) -> bool:
        raise RuntimeError("out of its mind")

    for name, latched in (("one", hangs), ("two", is_written), ("far", broken)):
        monkeypatch.setattr(engines[name], "latched", latched)
    command_id = accounts.emergency_stop()
    assert [engine.sent() for engine in engines.values()] == [[("emergency_stop", "stop key")]] * 3
    yet = "its stop is not on the disk yet: until it is, a restart would not know of it"
    assert reply(accounts.view(), command_id) == Reply(
        command_id, False, f"one: done, but {yet}; two: done; far: done, but out of its mind"
    )


def test_all_latches_are_on_the_disk_only_where_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    assert accounts.latched(1.0)
    monkeypatch.setattr(engines["two"], "latched", lambda within_s: False)
    assert not accounts.latched(1.0)


def broken(*given: object) -> Any:
    raise RuntimeError("out of its mind")


def test_an_account_that_cannot_be_started_is_failed_in_words_and_the_others_start_and_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    monkeypatch.setattr(engines["one"], "start", broken)
    accounts.start()
    assert [engine.calls for engine in engines.values()] == [[], [("start",)], [("start",)]]
    one, two, far = accounts.view().accounts
    assert [each.health.failed for each in (one, two, far)] == [True, False, False]
    assert one.health.problem.startswith("It could not be started (RuntimeError: out of its mind), and nothing was sent.")
    assert [(each.account, each.level, each.text) for each in accounts.view().log] == [("one", Level.ERROR, one.health.problem)]
    engines["one"].change(positions=())
    assert (accounts.view().positions, len(accounts.view().log)) == ((), 1), "what it tells is shown, and why it failed is told once"
    engine_of(accounts, "two").submit(ONE_SHARE)
    command_id = accounts.emergency_stop()
    assert reply(accounts.view(), command_id) == Reply(command_id, True, "one: done; two: done; far: done")
    assert [engine.sent()[-1] for engine in engines.values()] == [("emergency_stop", "stop key")] * 3


def test_an_account_whose_view_raises_is_failed_over_what_was_last_seen_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    held = accounts.view().positions
    looks = count(1)

    def unseen() -> Any:
        raise RuntimeError(f"out of its mind {next(looks)}")

    monkeypatch.setattr(engines["one"], "view", unseen)
    failed = accounts.view()
    assert (failed.health.failed, failed.health.ready, failed.positions == held) == (True, False, True)
    assert failed.health.problem.startswith("Where it stands cannot be read (RuntimeError: out of its mind 1): what you see of it is old.")
    assert accounts.view() is failed, "nothing has changed since"
    engines["two"].change(positions=())
    view = accounts.view()
    assert [each.health.failed for each in view.accounts] == [True, False, False]
    assert [each.text for each in view.log] == [failed.health.problem], "it is told once"
    accounts.emergency_stop()
    assert [engine.sent() for engine in engines.values()] == [[("emergency_stop", "stop key")]] * 3
    monkeypatch.undo()
    assert not accounts.view().health.failed
    monkeypatch.setattr(engines["one"], "view", unseen)
    assert "out of its mind 4" in accounts.view().health.problem, "what it raises later is another thing"
    assert len(accounts.view().log) == 2


def test_an_account_whose_view_raises_from_the_first_on_is_failed_and_not_taken_for_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = {name: FakeEngine(sample_view(log=()), account=name) for name in ("one", "two")}
    monkeypatch.setattr(engines["one"], "view", broken)
    view = AccountEngines(engines).view()
    assert [(each.health.failed, each.account.badge) for each in view.accounts] == [(True, "UNKNOWN"), (False, "PAPER")]


def test_all_end_at_once_and_one_that_hangs_is_named_when_the_others_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts, engines = three()
    go_on = threading.Event()
    others = threading.Barrier(2)

    def hangs(timeout: float) -> None:
        go_on.wait(10)
        raise TimeoutError("the engine did not end within 0 s")

    def ends(timeout: float) -> None:
        others.wait(10)
        go_on.set()

    for name in ("one", "far"):
        monkeypatch.setattr(engines[name], "shutdown", ends)
    monkeypatch.setattr(engines["two"], "shutdown", hangs)
    with pytest.raises(TimeoutError, match=r"^two: the engine did not end within 0 s$"):
        accounts.shutdown(5)


def line(number: int, text: str, wall: int = 1, level: Level = Level.INFO) -> LogLine:
    return LogLine(number, wall, level, "order", text)


def test_the_log_has_the_lines_of_all_accounts_each_once_with_its_account_and_in_order() -> None:
    accounts, engines = three()
    engines["one"].change(log=(line(1, "first", 10), line(2, "third", 30)))
    engines["far"].change(log=(line(1, "second", 20),))
    told = [(each.number, each.account, each.text) for each in accounts.view().log]
    assert told == [(1, "one", "first"), (2, "far", "second"), (3, "one", "third")]
    engines["one"].change(log=(line(2, "third", 30), line(3, "fourth", 40)))
    assert [(each.number, each.text) for each in accounts.view().log[3:]] == [(4, "fourth")]


def test_the_last_word_of_an_engine_that_failed_is_told_once() -> None:
    accounts, engines = three()
    engines["two"].change(log=(line(1, "well"), line(0, "out of memory", level=Level.ERROR)))
    assert [each.text for each in accounts.view().log] == ["well", "out of memory"]
    engines["two"].change(positions=())
    assert len(accounts.view().log) == 2


def test_a_price_is_told_by_one_account_the_preferred_one_where_it_follows_the_symbol() -> None:
    accounts, engines = three(AAPL="far")
    heard: list[tuple[str, float]] = []
    accounts.subscribe(Quote, lambda quote: heard.append((quote.symbol, quote.last)))
    accounts.view()
    for price, engine in zip((1.0, 2.0, 3.0), engines.values(), strict=True):
        for symbol in ("AAPL", "MSFT"):
            engine.tell(Quote(symbol, 1, price, price, 1, 1, price))
    assert sorted(heard) == [("AAPL", 3.0), ("MSFT", 1.0)]
    rows = tuple(row for row in engines["far"].current.watch if row.symbol != "AAPL")
    engines["far"].change(watch=rows)
    accounts.view()
    engines["one"].tell(Quote("AAPL", 2, 5.0, 5.0, 1, 1, 5.0))
    assert heard[-1] == ("AAPL", 5.0)


def test_rows_of_a_closed_position_leave_with_it() -> None:
    accounts, engines = three()
    rows = engines["one"].current.positions
    engines["one"].change(positions=(replace(rows[0], quantity=Decimal(5)),))
    assert [(row.symbol, row.quantity) for row in accounts.view().positions] == [(rows[0].symbol, Decimal(5))]


def counted(clock: Clock) -> tuple[AccountEngines, Combined, dict[str, FakeEngine]]:
    engines = {name: FakeEngine(sample_view(log=()), account=name) for name in ("one", "two")}
    combined = Combined(engines, CombinedLimits(max_exposure_pct=Decimal(60)))
    combined.tell("one", Standing(Decimal(100)))
    return AccountEngines(engines, combined=combined, clock=clock, wall=lambda: int(clock() * 1e9)), combined, engines


def problem(accounts: AccountEngines, name: str = "two") -> str:
    return view_of(accounts.view(), name).health.problem


def test_what_is_said_of_one_that_failed_follows_the_limits_and_the_age_of_its_books() -> None:
    clock = Clock()
    accounts, combined, engines = counted(clock)
    engines["two"].change(health=sample_health(ready=False, failed=True, problem="The key is refused."))
    assert problem(accounts).startswith("The key is refused. What it holds is not known: under the limits on all accounts no other enters")
    combined.leave_out("two", "looked")
    assert problem(accounts) == "The key is refused. By your word it counts as nothing in the limits on all accounts, until it has started."
    combined.remember("two", Standing(Decimal(100), Decimal(10)), int(clock() * 1e9))
    assert "books were left 0 min ago, with an exposure of 10.00" in problem(accounts)
    assert accounts.view() is accounts.view(), "what stays the same is not made anew"
    clock.now += 61
    assert "books were left 1 min ago" in problem(accounts)
    combined.change(ALONE, "no limit")
    assert problem(accounts) == "The key is refused."


def test_one_that_cannot_be_started_at_all_says_how_it_counts_too() -> None:
    clock = Clock()
    accounts, _, engines = counted(clock)
    engines["two"].start = lambda: (_ for _ in ()).throw(RuntimeError("can't start new thread"))  # type: ignore[method-assign]
    accounts.start()
    assert "can't start new thread" in problem(accounts)
    assert "What it holds is not known" in problem(accounts)


def test_of_one_that_is_starting_nothing_is_said_until_it_takes_long() -> None:
    clock = Clock()
    accounts, combined, engines = counted(clock)
    engines["two"].change(health=sample_health(ready=False, problem="fetching AAPL, 1 of 2"))
    assert problem(accounts) == "fetching AAPL, 1 of 2"
    clock.now += STARTS_S
    assert "fetching AAPL, 1 of 2. What it holds is not known" in problem(accounts)
    combined.tell("two", Standing())
    assert problem(accounts) == "fetching AAPL, 1 of 2"
