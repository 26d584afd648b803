"""Every dialog, and what lies over the screen."""

from __future__ import annotations

from console.app import ConsoleApp
from engine.model import Level
from engine.model.modes import Mode, TradingState
from engine.model.verdicts import Outcome, Verdict
from engine.model.views import BreakerRow
from tests.console.driving import Clock, Console
from tests.console.fake_engine import FakeEngine
from tests.pictures.album import Camera, walk
from tests.pictures.full_view import full_view
from tests.views import NOW, sample_account, sample_view


@walk("ticket-new", "ticket-mistake", "ticket-full", "ticket-confirmation", "ticket-denied", "ticket-edit", "ticket-signal")
async def ticket(camera: Camera) -> None:
    async with camera.console(sample_view()) as (console, engine):
        await console.press("b")
        await camera.take(console, "ticket-new")
        await console.type("50")
        await console.press("tab", "l", "tab")
        await console.type("187.505")
        await camera.take(console, "ticket-mistake")
        await console.press("backspace", "tab", "g", "tab")
        await console.type("4%")
        await console.press("tab", "t")
        await console.type("2%")
        await camera.take(console, "ticket-full")
        await console.press("f5")
        await camera.take(console, "ticket-confirmation")
        await console.let_pass(1)
        await console.press("n", "escape")
        denial = "The order would be 18.5% of equity (18,751.00); the limit is 10%."
        engine.verdict = Verdict(Outcome.DENY, "order size", "10%", "18.5%", denial)
        await console.press("s")
        await console.type("1000")
        await camera.take(console, "ticket-denied")
        await console.press("escape", "3", "e", "up")
        await camera.take(console, "ticket-edit")
        await console.press("escape", "4", "e")
        await camera.take(console, "ticket-signal")


@walk("mode", "mode-word", "mode-word-wrong", "reject", "quit", "close", "flatten", "resume", "mode-breakers")
async def questions(camera: Camera) -> None:
    async with camera.console(sample_view()) as (console, engine):
        await console.press("m")
        await camera.take(console, "mode")
        await console.press("f")
        await console.let_pass(1)
        await console.press("enter")
        await camera.take(console, "mode-word", "Type FULL_AUTO")
        await console.let_pass(1)
        await console.type("full")
        await console.press("enter")
        await camera.take(console, "mode-word-wrong")
        await console.press("escape", "4")
        await console.let_pass(1)
        await console.press("x")
        await console.let_pass(1)
        await console.type("earnings tonight")
        await camera.take(console, "reject")
        await console.press("escape", "q")
        await camera.take(console, "quit")
        await console.press("escape", "2")
        # Its rows are new to the eye, and a key acts on none of them until they have stood there for a moment.
        await console.let_pass(1)
        await console.let_pass(1)
        await console.press("X")
        await camera.take(console, "close")
        await console.press("escape", "f9")
        await camera.take(console, "flatten")
        await console.press("escape")
        engine.change(account=sample_account(state=TradingState.HALTED, mode=Mode.EMERGENCY, reason="stop key, pressed by you"))
        await console.shows("HALTED")
        await console.press("m")
        await console.type("RESUME")
        await console.press("tab")
        await camera.take(console, "resume")
        await console.press("escape")
        engine.change(account=sample_account(state=TradingState.REDUCING, reason="drawdown"), breakers=_tripped())
        await console.shows("REDUCING")
        await console.press("m")
        await camera.take(console, "mode-breakers")


def _tripped() -> tuple[BreakerRow, ...]:
    return (
        BreakerRow("drawdown", True, "equity fell 10.4% from its highest, limit 10%", "your word", NOW, True),
        BreakerRow("drawdown of sma_cross", True, "its profit fell by 3.1% of equity, limit 3%", "your word", NOW, True),
    )


@walk("help", "help-search", "palette", "palette-search", "jump", "themes")
async def finding(camera: Camera) -> None:
    async with camera.console(sample_view()) as (console, _):
        await console.press("question_mark")
        await camera.take(console, "help")
        await console.press("slash")
        await console.type("cancel")
        await camera.take(console, "help-search")
        await console.press("escape", "escape", "escape", "f2")
        await camera.take(console, "palette")
        await console.type("can")
        await camera.take(console, "palette-search")
        await console.press("escape", "apostrophe")
        await camera.take(console, "jump")
        await console.press("escape", "t")
        await camera.take(console, "themes")


@walk("list-new", "lists", "list-symbol", "list-shown", "alert-mistake", "alerts", "notice-line", "notices")
async def watching(camera: Camera) -> None:
    async with camera.console(full_view(log=())) as (console, engine):
        await console.press("w", "n")
        await console.type("Old money")
        await camera.take(console, "list-new")
        await console.press("enter", "n")
        await console.type("Tech")
        await console.press("enter")
        await camera.take(console, "lists", "Tech")
        await console.press("escape", "plus")
        await console.type("a")
        await camera.take(console, "list-symbol")
        await console.press("enter", "plus")
        await console.type("ms")
        await console.press("enter")
        await camera.take(console, "list-shown")
        await console.press("exclamation_mark")
        await console.let_pass(1)
        await console.type("> 100")
        await console.press("enter")
        await camera.take(console, "alert-mistake", "already")
        await console.press("ctrl+u")
        for wanted in ("> 410", "-3% repeat", "< 390"):
            await console.type(wanted)
            await console.press("enter")
        await camera.take(console, "alerts", "armed")
        await console.press("escape")
        await console.until(lambda: console.app.screen is console.screen)
        engine.note(Level.ERROR, "order", "#17 GME rejected: no shares to borrow")
        engine.note(Level.WARNING, "alert", "MSFT 402.10 is above 402")
        await camera.take(console, "notice-line", "2 notices")
        await console.press("i", "down")
        await camera.take(console, "notices")


@walk("welcome")
async def welcome(camera: Camera) -> None:
    clock = Clock()
    app = ConsoleApp(FakeEngine(), clock=clock, welcome=True)
    async with app.run_test(size=camera.size) as pilot:
        console = Console(app, pilot, clock)
        await camera.ready(console)
        await camera.take(console, "welcome", "Any key closes this")
