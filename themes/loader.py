"""Reads theme files: YAML data, checked key by key, so that a mistake is named with its file and key before the screen opens.

A theme has a `name`, `dark` (true or false), a `description`, Textual's own colours under `colours` and the console's style roles under
`roles`. A role is written as on a paint tin: `"#7ec699"`, `"bold #ffffff on #b3261e"`, `"reverse"`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    "reducing": "the banner of a tripped limit",
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

ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


class ThemeError(ValueError):
    """A theme file that cannot be used. The message names the file, the key and what would be right."""


def load_themes(extra_dirs: Sequence[Path] = ()) -> dict[str, Theme]:
    """All themes by name: ours, then every `*.yaml` of `extra_dirs`, in which a theme of the same name replaces ours.

    Raises ThemeError for the first file that is wrong. A directory that does not exist holds no themes.
    """
    themes: dict[str, Theme] = {}
    for directory in (Path(__file__).parent, *extra_dirs):
        origin: dict[str, Path] = {}
        for path in sorted(directory.glob("*.yaml")):
            theme = _read(path)
            if theme.name in origin:
                raise ThemeError(f"{path}: name: `{theme.name}` is already taken by {origin[theme.name].name} beside it")
            origin[theme.name] = path
            themes[theme.name] = theme
    return themes


def choose_theme(wanted: str, themes: Mapping[str, Theme], environ: Mapping[str, str]) -> str:
    """The theme to start with: `monochrome` where NO_COLOR is set and not empty, else `wanted`.

    The monochrome theme is made of true colours. Textual takes colour out under NO_COLOR, and from the terminal's own palette that leaves
    black on black. Raises ThemeError for a name nobody has.
    """
    if environ.get("NO_COLOR"):
        return "monochrome"
    if wanted not in themes:
        raise ThemeError(f"there is no theme `{wanted}`; there are {', '.join(sorted(themes))}")
    return wanted


def _read(path: Path) -> Theme:
    import yaml
    from textual.theme import Theme

    try:
        # libyaml, where PyYAML was built with it, reads the same ten times faster; themes are read before the first picture.
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ThemeError(f"{path}: cannot be read as YAML: {error}") from error
    fields = _mapping(path, "the file", data)
    _exactly(path, "", fields, ("name", "description", "dark", "colours", "roles"))
    name, description, dark = fields["name"], fields["description"], fields["dark"]
    if not isinstance(name, str) or not name.replace("-", "").isalnum():
        raise ThemeError(f"{path}: name: {name!r} is not a word of letters, digits and hyphens")
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
    # The few of Textual's own that our screens show, so that they follow the theme without a second list of colours.
    variables |= {
        "border": variables["focus"],
        "border-blurred": variables["line"],
        "footer-background": base["background"],
        "input-cursor-background": base["foreground"],
        "input-cursor-foreground": base["background"],
    }
    return Theme(name=name, dark=dark, variables=variables, **base)


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
