"""The grammar of the order line, without a screen: text in, a command or a mistake out.

The verb comes first and is written out; after it the order of words is free. Keywords are lower case, symbols upper case, or `$ALL`
where a symbol is also a word. A word that can be read two ways is a mistake that shows both. Every command has one normal form, and
the normal form is itself a valid line that means the same.
"""

from __future__ import annotations

from console.meanings import VERBS, Context, Parsed, ParseError
from console.order_line.accounts import command_on_account
from console.order_line.commands import command
from console.order_line.words import WrongError, words_of


def parse(text: str, context: Context) -> Parsed | ParseError:
    """Reads one line. Never raises, whatever the text."""
    words = words_of(text)
    if not words:
        return ParseError(0, 0, "a command", VERBS, unfinished=True)
    try:
        return command_on_account(words, context, len(text)) if context.accounts else command(words, context, len(text))
    except WrongError as wrong:
        return wrong.error
