"""The word that deletes, for what a command of the command line takes out for good."""

from __future__ import annotations

import sys

WORD = "DELETE"


def typed_to_delete(count: int) -> bool:
    """Asks for the word that deletes what was just listed, so many; where it is not typed, says that nothing was deleted."""
    sys.stdout.write(f"Type {WORD} to delete {'it' if count == 1 else 'them'}, anything else leaves all as it is: ")
    sys.stdout.flush()
    try:
        word = sys.stdin.readline().strip()
    except KeyboardInterrupt:
        word = ""
        sys.stdout.write("\n")
    if word != WORD:
        sys.stdout.write("That is not the word. Nothing was deleted.\n")
        sys.stdout.flush()
    return word == WORD
