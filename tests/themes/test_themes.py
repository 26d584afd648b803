"""Theme files: five of ours, a user's beside them, and a mistake named by file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from textual.color import Color

import themes
from tests.views import sample_view
from tests.widgets.harness import Harness, segments_of
from themes import ROLES, ThemeError, choose_theme, load_themes
from widgets.header import HeaderBar
from widgets.palette import Palette
from widgets.positions import Positions

OURS = ("colour-blind", "dark", "high-contrast", "light", "monochrome")


def palette_of(name: str) -> Palette:
    theme = load_themes()[name]
    return Palette({**theme.to_color_system().generate(), **theme.variables})


def written(folder: Path, change: Any = None, name: str = "mine.yaml") -> Path:
    data = yaml.safe_load((Path(themes.__file__).parent / "dark.yaml").read_text())
    data["name"] = "mine"
    if change:
        change(data)
    path = folder / name
    path.write_text(yaml.safe_dump(data))
    return path


def test_ours_are_five() -> None:
    assert tuple(sorted(load_themes())) == OURS


def test_a_users_theme_is_found_and_may_replace_one_of_ours(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, lambda data: data.update(name="dark", dark=False), "dark.yaml")
    loaded = load_themes([tmp_path, tmp_path / "none"])
    assert "mine" in loaded
    assert loaded["dark"].dark is False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("dark"), "dark: is missing"),
        (lambda data: data.update(dark="yes"), "dark: 'yes' is neither true nor false"),
        (lambda data: data.update(name="a b"), "name: 'a b'"),
        (lambda data: data.update(colors={}), "colors: is not known"),
        (lambda data: data.update(colours=["red"]), "colours: must be a mapping"),
        (lambda data: data["colours"].update(accent="bleu"), "colours.accent: 'bleu' is not a colour"),
        (lambda data: data["colours"].update(accent="ansi_red"), "colours.accent: 'ansi_red' is not a true, opaque colour"),
        (lambda data: data["colours"].update(accent=123456), "colours.accent: 123456 is not a colour"),
        (lambda data: data["roles"].pop("up"), "roles.up: is missing"),
        (lambda data: data["roles"].update(upp="#fff"), "roles.upp: is not known"),
        (lambda data: data["roles"].update(up="#fff #000"), "roles.up: '#fff #000' has more than one colour"),
        (lambda data: data["roles"].update(live="bold on nowhere"), "roles.live: 'nowhere' is not a colour"),
        (lambda data: data["roles"].update(live=""), "roles.live: '' is not a style"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(tmp_path: Path, change: Any, said: str) -> None:
    path = written(tmp_path, change)
    with pytest.raises(ThemeError) as error:
        load_themes([tmp_path])
    assert str(error.value).startswith(f"{path}: {said}")


def test_what_is_no_yaml_or_a_name_twice_is_an_error(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, name="other.yaml")
    with pytest.raises(ThemeError, match=r"already taken by mine\.yaml"):
        load_themes([tmp_path])
    (tmp_path / "other.yaml").write_text("a: [")
    with pytest.raises(ThemeError, match=r"other\.yaml: cannot be read as YAML"):
        load_themes([tmp_path])


def test_no_color_gets_the_theme_without_colour() -> None:
    loaded = load_themes()
    assert choose_theme("dark", loaded, {"NO_COLOR": "1"}) == "monochrome"
    assert choose_theme("dark", loaded, {"NO_COLOR": ""}) == "dark"
    with pytest.raises(ThemeError, match="there is no theme `nope`"):
        choose_theme("nope", loaded, {})


def test_the_theme_without_colour_is_made_of_true_greys() -> None:
    palette = palette_of("monochrome")
    for role in ROLES:
        style = palette.style(role)
        for colour in (style.color, style.bgcolor):
            assert colour is not None
            assert colour.triplet is not None
            assert len(set(colour.triplet)) == 1, role


@pytest.mark.parametrize("name", OURS)
def test_everything_can_be_read_on_its_ground(name: str) -> None:
    """Contrast by WCAG 2: 4.5 for what is read, 3 for what may stand back; 7 throughout in the theme made for that."""
    palette = palette_of(name)
    for role in ROLES.keys() - {"line"}:
        for base in ("", "cursor"):
            style = palette.style(base, role)
            assert style.color is not None
            assert style.bgcolor is not None
            least = 3.0 if role in {"stale", "muted"} or base else 4.5
            if name == "high-contrast" and not base:
                least = 7.0
            assert contrast(style.color.triplet, style.bgcolor.triplet) >= least, (role, base)


def contrast(one: Any, other: Any) -> float:
    def luminance(triplet: tuple[int, int, int]) -> float:
        parts = [part / 255 for part in triplet]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


async def test_a_change_of_theme_repaints_what_is_drawn() -> None:
    table, header = Positions(), HeaderBar()
    app = Harness(table, header)
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view())
        await pilot.pause()
        app.theme = "light"
        await pilot.pause()
        await pilot.pause()
        pieces = [*segments_of(table), *segments_of(header)]
        grounds = {segment.style.bgcolor.triplet for segment in pieces if segment.style and segment.style.bgcolor}
        before, after = (Color.parse(load_themes()[name].background or "").rich_color.triplet for name in ("dark", "light"))
        assert after in grounds
        assert before not in grounds


async def test_a_theme_of_textual_itself_works_too() -> None:
    table = Positions()
    app = Harness(table, theme="nord")
    async with app.run_test(size=(60, 8)) as pilot:
        app.show(sample_view())
        await pilot.pause()
        assert any(segment.style and segment.style.color for segment in segments_of(table))
