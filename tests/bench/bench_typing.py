"""Bursts of keys into the ticket and the order line while the market floods the console: what came of each is read from the journal.

    python -m tests.bench.bench_typing [TRIES]      (1,000 take about twenty minutes)

The program runs on a real pseudo-terminal, and 200 symbols quote 5,000 times a second in all. The tries go to the ticket and to the order
line in turns, with no gap, 10, 30 or 80 ms between the keys. Each ends in keys that must send nothing: a held Enter, a yes before the
question was read, more typing. Counted are orders with a number in another field than it was typed in, orders nobody meant, and orders
that were meant and never came. All three must be 0, and the exit code says whether they are.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, product
from pathlib import Path
from string import ascii_uppercase

from console.screens.dialog import DEAF_SECONDS
from engine.model.orders import OrderType, Side, TimeInForce
from engine.model.records import OrderDenied, OrderPlaced
from storage.codec import decode
from tests.pseudo_terminal import PseudoTerminal

TRIES = 100
SYMBOLS = tuple(map("".join, islice(product(ascii_uppercase, repeat=3), 200)))
CONFIG = """
symbols: [{symbols}]
feed: {{source: sim, quotes_per_second: 25}}
paper: {{cash: 1000000000}}
limits:
  max_order_pct: 100
  max_position_pct: 100
  collar_pct: 100
  repetition_s: 0
  short_selling: true
"""
GAPS = (0.0, 0.01, 0.03, 0.08)
READ_S = 0.4
"""How long a person reads a question: longer than it is deaf."""
SAY_AGAIN_S = 2.0
PATIENCE_S = 20.0
F5, LEAVE, LEAVE_LINE = "\x1b[15~", "\x03", "\x7f"
HASTE = ("\r" * 12, "y", "\ryy\r", "7\t8", "700\ty")
"""What may follow a review without a look at the question: none of it sends anything, nor changes what was asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The numbers of one order, and where they were typed."""

    side: Side
    symbol: str
    quantity: Decimal
    limit: Decimal
    tif: TimeInForce


class Account:
    """The program's journal, read while it runs."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen = 0

    def new(self) -> list[Wanted]:
        """The orders that reached the engine since the last look, let through or refused."""
        path = next(self._home.rglob("paper.sqlite"))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT seq, kind, body FROM journal WHERE seq > ? AND kind IN ('OrderPlaced', 'OrderDenied') ORDER BY seq", (self._seen,)
            ).fetchall()
        found = []
        for seq, kind, body in rows:
            self._seen = seq
            record = decode(seq, kind, body)
            assert isinstance(record, OrderDenied | OrderPlaced)
            order = record.intent if isinstance(record, OrderDenied) else record
            assert order.type is OrderType.LIMIT
            assert order.limit is not None
            found.append(Wanted(order.side, order.symbol, order.quantity, order.limit, order.tif))
        return found


class Typist:
    def __init__(self, terminal: PseudoTerminal, account: Account) -> None:
        self._terminal = terminal
        self._account = account
        self.wrong = self.unmeant = self.missing = 0
        self.slow = 0
        """Bursts that were none, for the machine let the typist wait: a yes after such a pause is one."""

    def burst(self, keys: str, gap: float) -> float:
        """Types `keys`; what the program answers meanwhile is kept, from the first one on. Answers the longest gap there was in truth: on a
        busy machine the typist is late, too."""
        self._terminal.recent = b""
        if not gap:
            os.write(self._terminal.file, keys.encode())
            return 0.0
        longest, last = 0.0, time.monotonic()
        for key in self._one_by_one(keys):
            os.write(self._terminal.file, key.encode())
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            self._terminal.bytes_in(gap)
        return longest

    def _one_by_one(self, keys: str) -> Iterator[str]:
        """Each key, an escape sequence in one piece."""
        while keys:
            key = F5 if keys.startswith(F5) else keys[0]
            yield key
            keys = keys.removeprefix(key)

    def ticket(self, wanted: Wanted, gap: float, haste: str) -> None:
        """A limit order by the ticket; the yes comes once the question was read."""
        opens = "b" if wanted.side is Side.BUY else "s"
        keys = f"{opens}{wanted.quantity}\tl\t{wanted.limit}\t{wanted.tif.value[0].lower()}{F5}"
        longest = self.burst(keys + haste, gap)
        if not self._shown(b"Send this order?"):
            self._terminal.write(LEAVE.encode())
            self._judge(wanted, [], f"ticket, gap {gap}, then {haste!r}: nothing was asked")
            return
        self._terminal.bytes_in(READ_S)
        early = self._account.new()
        self._judge(wanted, [*early, *self._came(b"y")], f"ticket, gap {gap}, then {haste!r}")
        if early and longest >= DEAF_SECONDS:
            self.slow += 1
        elif early:
            self.unmeant += 1
            sys.stdout.write(f"ticket, gap {gap}, then {haste!r}: sent before the yes\n   came  {early}\n")

    def line(self, wanted: Wanted, gap: float, haste: str) -> None:
        """The same by the order line, where Enter sends; what is typed behind it is another line, and is rubbed out."""
        text = f":{wanted.side.lower()} {wanted.quantity} {wanted.symbol} @ {wanted.limit} {wanted.tif.lower()}\r"
        self.burst(text + "\r" * len(haste) + "7", gap)
        self._judge(wanted, self._came(), f"order line, gap {gap}")
        self._terminal.write(b"\x15" + LEAVE_LINE.encode())
        self._terminal.bytes_in(0.05)

    def _shown(self, text: bytes) -> bool:
        try:
            self._terminal.until(text, PATIENCE_S)
        except TimeoutError:
            return False
        return True

    def _came(self, yes: bytes = b"") -> list[Wanted]:
        """What reached the engine, once something did. A `yes` is said again while nothing comes of it, as people do: where the machine
        lags, the end of a burst reaches the question late, and the first yes is still too close behind it."""
        end = again = time.monotonic()
        end += PATIENCE_S
        while not (came := self._account.new()) and time.monotonic() < end:
            if yes and time.monotonic() >= again:
                os.write(self._terminal.file, yes)
                again = time.monotonic() + SAY_AGAIN_S
            self._terminal.bytes_in(0.02)
        return came

    def _judge(self, wanted: Wanted, came: list[Wanted], how: str) -> None:
        if came == [wanted]:
            return
        self.missing += not came
        self.wrong += bool(came) and wanted not in came
        self.unmeant += max(len(came) - 1, 0)
        recent = self._terminal.recent[-3000:]
        sys.stdout.write(f"{how}\n   typed {wanted}\n   came  {came}\n   seen  {recent!r}\n")


def wanted_of(number: int, rng: random.Random) -> Wanted:
    quantity, cents = Decimal(rng.randrange(1, 10_000)), Decimal(rng.randrange(100, 9_999)) / 100
    tif = rng.choice((TimeInForce.IOC, TimeInForce.FOK))
    # Bought under the market, sold far above it: nothing fills, and nothing works on.
    return Wanted(Side.BUY if number % 3 else Side.SELL, SYMBOLS[0], quantity, cents + (0 if number % 3 else 900), tif)


def main(tries: int) -> int:
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "typing.yaml")
        config.write_text(CONFIG.format(symbols=", ".join(SYMBOLS)), encoding="utf-8")
        command = [sys.executable, "-m", "tradeconsole", "--config", str(config)]
        terminal = PseudoTerminal(command, variables={"TRADECONSOLE_HOME": home})
        try:
            terminal.until("▲".encode(), 60)
            terminal.bytes_in(3)
            account = Account(Path(home))
            typist = Typist(terminal, account)
            began = time.monotonic()
            for number in range(tries):
                act = typist.ticket if number % 2 else typist.line
                act(wanted_of(number, rng), GAPS[number // 2 % len(GAPS)], rng.choice(HASTE))
            terminal.bytes_in(1)
            typist.unmeant += len(account.new())
        finally:
            terminal.close()
    took = time.monotonic() - began
    sys.stdout.write(
        f"{tries} bursts of keys   {typist.wrong} in a wrong field   {typist.unmeant} not meant   {typist.missing} missing"
        f"   {typist.slow} too slow to count   {took:.0f} s\n"
    )
    return 1 if typist.wrong or typist.unmeant or typist.missing else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIES))
