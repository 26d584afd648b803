"""Reads theme files: YAML data, checked key by key, so that a mistake is named with its file and key.

A file's name is its theme's. A theme has `dark` (true or false), a `description`, Textual's own colours under `colours` and the console's
style roles under `roles`. A role is written as on a paint tin: `"#7ec699"`, `"bold #ffffff on #b3261e"`, `"reverse"`. With `extends`, the
name of another theme, a file says only what is different.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themes.contrast import ON_CURSOR, TEXT, contrast, least

if TYPE_CHECKING:
    from textual.theme import Theme

COLOURS = ("background", "surface", "panel", "foreground", "primary", "secondary", "accent", "warning", "error", "success")

ROLES = {
    "muted": "labels, table headings, what matters less",
    "line": "frames and rules",
    "focus": "the frame of the panel that has the keys",
    "title": "a panel's title",
    "title-focus": "the title of the panel that has the keys",
    "key": "a key in a hint or a title",
    "cursor": "the row under the cursor",
    "up": "a gain, a rise",
    "down": "a loss, a fall",
    "flat": "neither",
    "stale": "a price too old to trade on",
    "buy": "a buying side",
    "sell": "a selling side",
    "paper": "the PAPER badge",
    "live": "the LIVE badge",
    "halted": "the HALTED banner",
    "reducing": "the banner of a tripped limit, and the mode that sends by itself",
    "notice": "the banner of anything that passes by itself",
    "stop": "the emergency stop's hint",
    "mark": "the last price on the chart's axis",
}
"""Every style role a theme file must give, and what it is for."""

FALLBACKS = {
    "muted": ("secondary", ""),
    "line": ("panel", ""),
    "focus": ("accent", ""),
    "title": ("foreground", ""),
    "title-focus": ("accent", "bold reverse"),
    "key": ("accent", ""),
    "cursor": ("foreground", "reverse"),
    "up": ("success", ""),
    "down": ("error", ""),
    "flat": ("foreground", ""),
    "stale": ("secondary", ""),
    "buy": ("success", ""),
    "sell": ("error", ""),
    "paper": ("primary", "bold reverse"),
    "live": ("error", "bold reverse"),
    "halted": ("error", "bold reverse"),
    "reducing": ("warning", "bold reverse"),
    "notice": ("primary", ""),
    "stop": ("error", "bold"),
    "mark": ("accent", "bold reverse"),
}
"""Colour variable and text style that stand in for a role under a theme that is not ours and knows no roles."""

_SIMPLE = re.compile(r'( {2})?([a-z][a-z-]+):(?: (?:"([^"\\]*)"|(true|false)))?')
"""A line of a theme file that is read without PyYAML."""
_NO_KEYS = frozenset({"true", "false", "yes", "no", "on", "off", "null"})
"""What YAML takes for no word."""
_FOLDER = Path(__file__).parent
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


class ThemeError(ValueError):
    """A theme file that cannot be used. The message names the file, the key and what would be right."""


class Themes:
    """The themes of our own folder and of `extra` folders, in which a theme of the same name replaces ours.

    Only the names are read at first: a screen begins with one theme, and reading them all would hold up its first picture.
    A folder that does not exist holds no themes.
    """

    def __init__(self, extra: Sequence[Path] = ()) -> None:
        self._ours = _files(_FOLDER)
        self._files = self._ours | {name: path for folder in extra for name, path in _files(folder).items()}
        self._loaded: dict[str, Theme] = {}
        self._descriptions: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    def load(self, name: str) -> Theme:
        """The theme of this name. Raises ThemeError where there is none, or its file is wrong."""
        if name not in self._files:
            raise ThemeError(f"there is no theme {name!r}; there are {', '.join(self.names)}")
        if name not in self._loaded:
            path = self._files[name]
            fields = self._fields(path, ())
            self._loaded[name] = _theme(path, fields)
            self._descriptions[name] = fields["description"]
        return self._loaded[name]

    def description(self, name: str) -> str:
        """What a theme that was loaded says of itself."""
        return self._descriptions.get(name, "")

    def _fields(self, path: Path, extended: tuple[Path, ...]) -> dict[str, Any]:
        """What a file says, over what the theme says that it extends."""
        fields = _mapping(path, "the file", _read(path))
        if "extends" not in fields:
            return fields
        name = fields.pop("extends")
        if not isinstance(name, str):
            raise ThemeError(f"{path}: extends: {name!r} is not a theme's name")
        # A user's own `dark` that extends `dark` means ours.
        base = self._ours.get(name, path) if name == path.stem else self._files.get(name)
        if base is None:
            others = ", ".join(other for other in self.names if other != path.stem)
            raise ThemeError(f"{path}: extends: there is no theme {name!r}; there are {others}")
        if base in (path, *extended):
            raise ThemeError(f"{path}: extends: {name} extends this theme itself")
        below = self._fields(base, (path, *extended))
        for part in ("colours", "roles"):
            if part in fields:
                fields[part] = _mapping(base, part, below.get(part)) | _mapping(path, part, fields[part])
        return below | fields


def load_themes(extra: Sequence[Path] = ()) -> dict[str, Theme]:
    """All themes by name. Raises ThemeError for the first file that is wrong."""
    themes = Themes(extra)
    return {name: themes.load(name) for name in themes.names}


def choose_theme(wanted: str, environ: Mapping[str, str]) -> str:
    """The theme to start with: `monochrome` where NO_COLOR is set and not empty, else `wanted`.

    The monochrome theme is made of true colours. Textual takes colour out under NO_COLOR, and from the terminal's own palette that leaves
    black on black.
    """
    return "monochrome" if environ.get("NO_COLOR") else wanted


def _files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.yaml")}


def _read(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ThemeError(f"{path}: cannot be read: {error}") from error
    if (fields := read_simply(text)) is not None:
        return fields
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ThemeError(f"{path}: cannot be read as YAML: {error}") from error


def read_simply(text: str) -> dict[str, Any] | None:
    """The YAML of `text` where it is written as our own themes are, each value in double quotes, true or false; else None.

    The first picture needs one such file, and importing PyYAML for it would take a twentieth of its time.
    """
    fields: dict[str, Any] = {}
    part: dict[str, Any] | None = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if (found := _SIMPLE.fullmatch(line)) is None:
            return None
        indented, key, quoted, truth = found.groups()
        into = part if indented else fields
        if into is None or key in into or key in _NO_KEYS:
            return None
        if quoted is None and truth is None:
            if indented:
                return None
            part = into[key] = {}
        else:
            into[key] = quoted if quoted is not None else truth == "true"
            part = part if indented else None
    # A part with nothing in it would be no mapping to YAML.
    return fields if fields and all(value != {} for value in fields.values()) else None


def _theme(path: Path, fields: dict[str, Any]) -> Theme:
    from textual.theme import Theme

    _exactly(path, "", fields, ("description", "dark", "colours", "roles"))
    name, description, dark = path.stem, fields["description"], fields["dark"]
    if not name.replace("-", "").isalnum():
        raise ThemeError(f"{path}: a theme's name is its file's: letters, digits and hyphens")
    if not isinstance(description, str):
        raise ThemeError(f"{path}: description: {description!r} is not text")
    if not isinstance(dark, bool):
        raise ThemeError(f"{path}: dark: {dark!r} is neither true nor false")
    colours = _mapping(path, "colours", fields["colours"])
    _exactly(path, "colours.", colours, COLOURS)
    roles = _mapping(path, "roles", fields["roles"])
    _exactly(path, "roles.", roles, tuple(ROLES))
    base: dict[str, Any] = {key: _colour(path, f"colours.{key}", value) for key, value in colours.items()}
    variables: dict[str, str] = {}
    for role, value in roles.items():
        variables |= _role(path, role, value, base["foreground"])
    _readable(path, base, variables)
    # The few of Textual's own that our screens show, so that they follow the theme without a second list of colours.
    variables |= {
        "border": variables["focus"],
        "border-blurred": variables["line"],
        "footer-background": base["background"],
        "input-cursor-background": base["foreground"],
        "input-cursor-foreground": base["background"],
    }
    return Theme(name=name, dark=dark, variables=variables, **base)


def _readable(path: Path, base: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Raises ThemeError for what cannot be read on its ground, or on the row under the cursor."""
    ground = base["background"]
    cursor = variables.get("cursor-background", ground)
    for key in ("foreground", "accent", "warning", "error", "success"):
        _contrasts(path, f"colours.{key}", base[key], ground, TEXT)
    for role in ROLES:
        own = variables.get(f"{role}-background")
        if "reverse" in variables.get(f"{role}-text-style", ""):
            continue
        _contrasts(path, f"roles.{role}", variables[role], own or ground, least(role))
        if own is None and role not in ("line", "focus", "cursor"):
            _contrasts(path, f"roles.{role} on the cursor's row", variables[role], cursor, ON_CURSOR)


def _contrasts(path: Path, key: str, colour: str, ground: str, wanted: float) -> None:
    if (found := contrast(colour, ground)) < wanted:
        raise ThemeError(f"{path}: {key}: {colour} on {ground} has a contrast of {found:.2f}, and {wanted} is the least (WCAG)")


def _mapping(path: Path, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ThemeError(f"{path}: {key}: must be a mapping of names to values")
    return value


def _exactly(path: Path, prefix: str, found: Mapping[str, Any], wanted: Sequence[str]) -> None:
    for key in found:
        if key not in wanted:
            raise ThemeError(f"{path}: {prefix}{key}: is not known; known are {', '.join(wanted)}")
    for key in wanted:
        if key not in found:
            raise ThemeError(f"{path}: {prefix}{key}: is missing")


def _colour(path: Path, key: str, value: object) -> str:
    from textual.color import Color, ColorParseError

    if not isinstance(value, str):
        raise ThemeError(f"{path}: {key}: {value!r} is not a colour; write it in quotes, like '#7ec699'")
    try:
        colour = Color.parse(value)
    except ColorParseError as error:
        raise ThemeError(f"{path}: {key}: {value!r} is not a colour; write it like '#7ec699'") from error
    if colour.ansi is not None or colour.a != 1:
        raise ThemeError(f"{path}: {key}: {value!r} is not a true, opaque colour; write it like '#7ec699'")
    return colour.hex6


def _role(path: Path, role: str, value: object, foreground: str) -> dict[str, str]:
    """The role's theme variables: `up`, and where given `up-background` and `up-text-style`, for widgets and style sheets alike."""
    key = f"roles.{role}"
    if not isinstance(value, str) or not value.strip():
        raise ThemeError(f"{path}: {key}: {value!r} is not a style; write it in quotes, like 'bold #ffffff on #b3261e'")
    front, on, back = value.partition(" on ") if not value.startswith("on ") else ("", "on", value[3:])
    words = front.split()
    attributes = [word for word in words if word in ATTRIBUTES]
    colours = [word for word in words if word not in ATTRIBUTES]
    if len(colours) > 1:
        raise ThemeError(f"{path}: {key}: {value!r} has more than one colour before `on`; attributes are {', '.join(ATTRIBUTES)}")
    variables = {role: _colour(path, key, colours[0]) if colours else foreground}
    if on:
        variables[f"{role}-background"] = _colour(path, key, back.strip())
    if attributes:
        variables[f"{role}-text-style"] = " ".join(attributes)
    return variables
