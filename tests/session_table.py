"""Writes the table of New York's sessions from the library that knows them: `python -m tests.session_table`."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta

from exchange_calendars import get_calendar  # type: ignore[import-untyped]

from engine.feeds.calendar import TABLE, TABLE_NAME, TABLE_YEARS, USUAL
from engine.feeds.new_york import NEW_YORK, SECOND


def rows() -> list[tuple[str, str, str]]:
    """The table: each weekday that is no usual session, and each session on a weekend if there ever is one."""
    first, last = date(TABLE_YEARS[0], 1, 1), date(TABLE_YEARS[-1], 12, 31)
    calendar = get_calendar(TABLE_NAME, start=first.isoformat(), end=last.isoformat())
    times = zip(calendar.opens_nanos.tolist(), calendar.closes_nanos.tolist(), strict=True)
    hours = {label.date(): (_clock(opens), _clock(closes)) for label, (opens, closes) in zip(calendar.sessions, times, strict=True)}
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    unusual = [day for day in days if hours.get(day) != (USUAL if day.weekday() < 5 else None)]
    return [(f"{day}", f"{hours[day][0]:%H:%M}", f"{hours[day][1]:%H:%M}") if day in hours else (f"{day}", "", "") for day in unusual]


def _clock(at: int) -> time:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(NEW_YORK).time()


def main() -> None:
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("day", "opens", "closes"))
        table.writerows(rows())


if __name__ == "__main__":
    main()
