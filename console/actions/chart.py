"""The chart: its crosshair, what is in view, its time frame, which is kept over restarts, and what is drawn."""

from __future__ import annotations

import asyncio

from console.actions.stage import Stage
from engine.feeds.timeframe import seconds_of
from engine.model import Level, View
from widgets.chart import Chart

KEPT = "chart"
"""Under this name the time frame is kept."""


class ChartActions:
    def __init__(self, stage: Stage, chart: Chart) -> None:
        self._stage = stage
        self._chart = chart
        # What was asked for last, of which symbol: the next key counts from there, whether or not the engine has answered.
        self._asked = ("", "")
        self._restored = ""
        self._chosen_in: set[str] = set()
        """The accounts whose chart has the kept time frame, or another that a person chose."""

    async def restore(self) -> None:
        """Have the time frame that was chosen before, as soon as there is a chart that offers it, unless a person was faster."""
        kept = await asyncio.to_thread(self._stage.kept.load, KEPT, dict[str, str], {})
        self._restored = kept.get("timeframe", "")

    def frame(self, view: View) -> None:
        """To be called with each View."""
        chart = view.chart
        if chart is not None and self._restored in chart.offered and view.name not in self._chosen_in:
            self._chosen_in.add(view.name)
            self._stage.engine.focus(chart.symbol, self._restored)

    def do_crosshair(self, where: str) -> None:
        if where in ("up", "down"):
            self._chart.move_price(1 if where == "up" else -1)
        else:
            self._chart.move(1 if where == "right" else -1)

    def do_chart_page(self, where: str) -> None:
        self._chart.move_page(1 if where == "on" else -1)

    def do_oldest_bar(self) -> None:
        self._chart.move_first()

    def do_newest_bar(self) -> None:
        self._chart.move_last()

    def do_put_away(self) -> None:
        self._chart.put_away()

    def do_nearer(self) -> None:
        self._chart.zoom(1)

    def do_farther(self) -> None:
        self._chart.zoom(-1)

    def do_averages(self) -> None:
        self._stage.say(self._chart.next_averages(), Level.INFO)

    def do_line_chart(self) -> None:
        self._chart.toggle_line()

    def do_timeframe(self, which: str) -> None:
        """Longer or shorter, as far as the feed has it; where it has not, why."""
        chart = self._stage.view.chart
        if chart is None:
            return
        symbol, now = self._asked
        if symbol != chart.symbol or now not in chart.offered:
            now = chart.timeframe
        place = chart.offered.index(now) + (1 if which == "longer" else -1) if now in chart.offered else -1
        if 0 <= place < len(chart.offered):
            self._asked = chart.symbol, chart.offered[place]
            self._stage.engine.focus(*self._asked)
            self._chosen_in.add(self._stage.view.name)
            self._stage.kept.save(KEPT, {"timeframe": chart.offered[place]})
            return
        # Of those that were not offered, the next one in that direction.
        beyond = [(name, why) for name, why in chart.refused if (seconds_of(name) > seconds_of(now)) == (which == "longer")]
        name, reason = (beyond[0] if which == "longer" else beyond[-1]) if beyond else ("", "")
        why = f"; {name}: {reason}" if reason else ""
        self._stage.say(f"{now} is the {which.replace('er', 'est')} time frame there is{why}", Level.INFO)
