"""Which of several accounts a line is for: the one it names with `on NAME`, the symbol's preferred one, else the one that is shown."""

from __future__ import annotations

from console.meanings import VERBS, Context, FlattenAll, OnAccount, Parsed
from console.order_line.commands import command
from console.order_line.words import Word, meant, missing, wrong

ON = "on"
ROUTED = frozenset({"buy", "sell", "oco", "preview"})
"""What goes to the symbol's preferred account. All else is about what is on the screen."""


def command_on_account(words: list[Word], context: Context, end: int) -> Parsed:
    """What `words`, at least one, mean in an account. Raises WrongError where they mean nothing, or nothing yet."""
    rest, named = without_account(words, context, end)
    if not rest:
        raise missing(end, "a command", VERBS)
    name = named or routed(rest, context)
    parsed = command(rest, context.accounts[name], end)
    if isinstance(parsed.meaning, FlattenAll) and not named:
        return Parsed(parsed.meaning, parsed.normal, f"in {len(context.accounts)} accounts: {', '.join(context.accounts)}")
    assert not isinstance(parsed.meaning, OnAccount)
    return Parsed(OnAccount(parsed.meaning, name), f"{parsed.normal} {ON} {name}", parsed.note)


def without_account(words: list[Word], context: Context, end: int) -> tuple[list[Word], str]:
    """The other words, and the account that is named, empty where none is. Raises WrongError where none of that name is there."""
    place = next((place for place, word in enumerate(words) if word.text == ON), None)
    if place is None:
        return words, ""
    names = tuple(context.accounts)
    if place + 1 == len(words):
        raise missing(end, "an account", names)
    word, rest = words[place + 1], [*words[:place], *words[place + 2 :]]
    if word.text not in names:
        if word.end == end and any(name.startswith(word.text) for name in names):
            raise missing(end, "the rest of the account's name", meant(word.text, names), word.start)
        raise wrong(word, f"no account: {word.text}", names)
    if any(other.text == ON for other in rest):
        raise wrong(next(other for other in rest if other.text == ON), "one account a line, and it is named already", ("nothing here",))
    return rest, word.text


def routed(words: list[Word], context: Context) -> str:
    """Where it goes when no account is named."""
    if words[0].text.lower() in ROUTED:
        for word in words[1:]:
            if (name := context.preferred.get(word.text.removeprefix("$"))) is not None:
                return name
    return context.account
