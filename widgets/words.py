"""What a person filters rows by: words that must all occur in a row's text, and with a minus those that must not."""

from __future__ import annotations

from msgspec import Struct


class Words(Struct, frozen=True):
    """`required` and `excluded` are folded to one case; a text is compared folded as well."""

    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @classmethod
    def of(cls, typed: str) -> Words:
        """`msft limit -gtc`. A minus alone is still being typed and means nothing."""
        words = typed.casefold().split()
        return cls(
            tuple(word for word in words if not word.startswith("-")),
            tuple(word[1:] for word in words if word.startswith("-") and len(word) > 1),
        )

    def __bool__(self) -> bool:
        return bool(self.required or self.excluded)

    def hold_in(self, text: str) -> bool:
        """Whether a row of this folded text passes."""
        return all(word in text for word in self.required) and not any(word in text for word in self.excluded)
