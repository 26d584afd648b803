"""Theme files: eight of ours, a user's beside them, and a mistake named by file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from textual.color import Color

import themes
from tests.themes.dichromats import SEEN_BY, apart
from tests.views import sample_view
from tests.widgets.harness import Harness, segments_of
from themes import ROLES, ThemeError, Themes, choose_theme, load_themes
from themes.contrast import contrast
from themes.loader import read_simply
from widgets.header import HeaderBar
from widgets.palette import Palette
from widgets.positions import Positions

OURS = ("colour-blind", "dark", "ember", "high-contrast", "light", "monochrome", "paper", "red-up")


def palette_of(name: str) -> Palette:
    theme = load_themes()[name]
    return Palette({**theme.to_color_system().generate(), **theme.variables})


def written(folder: Path, change: Any = None, name: str = "mine.yaml") -> Path:
    data = yaml.safe_load((Path(themes.__file__).parent / "dark.yaml").read_text())
    if change:
        change(data)
    path = folder / name
    path.write_text(yaml.safe_dump(data))
    return path


def test_ours_are_eight() -> None:
    assert tuple(sorted(load_themes())) == OURS


def test_a_users_theme_is_found_and_may_replace_one_of_ours(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, lambda data: data.update(description="mine"), "dark.yaml")
    themes = Themes([tmp_path, tmp_path / "none"])
    assert themes.load("mine").name == "mine"
    themes.load("dark")
    assert themes.description("dark") == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("dark"), "dark: is missing"),
        (lambda data: data.update(dark="yes"), "dark: 'yes' is neither true nor false"),
        (lambda data: data.update(name="mine"), "name: is not known"),
        (lambda data: data.update(extends="darker"), "extends: there is no theme 'darker'; there are colour-blind, dark"),
        (lambda data: data.update(extends=["dark"]), "extends: ['dark'] is not a theme's name"),
        (lambda data: data.update(extends="mine"), "extends: mine extends this theme itself"),
        (lambda data: data["roles"].update(up="#333333"), "roles.up: #333333 on #11151C has a contrast of 1.45, and 4.5 is the least"),
        (lambda data: data["roles"].update(focus="#333333"), "roles.focus: #333333 on #11151C has a contrast of 1.45, and 3.0 is"),
        (lambda data: data["roles"].update(live="#ffffff on #dddddd"), "roles.live: #FFFFFF on #DDDDDD has a contrast of 1.36"),
        (lambda data: data["roles"].update(cursor="#000000 on #78c79a"), "roles.muted on the cursor's row: "),
        (lambda data: data["colours"].update(error="#222222"), "colours.error: #222222 on #11151C has a contrast of"),
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


def test_what_is_no_yaml_or_has_no_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: [")
    with pytest.raises(ThemeError, match=r"other\.yaml: cannot be read as YAML"):
        load_themes([tmp_path])
    written(tmp_path, name="other.yaml")
    written(tmp_path, name="a b.yaml")
    with pytest.raises(ThemeError, match=r"a b\.yaml: a theme's name is its file's"):
        load_themes([tmp_path])


def test_a_theme_may_say_only_what_is_different(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: paper\nroles: {up: '#003d3a'}\n")
    (tmp_path / "mine-too.yaml").write_text("extends: mine\ncolours: {accent: '#990f3d'}\n")
    (tmp_path / "dark.yaml").write_text("extends: dark\nroles: {up: '#ffffff'}\n")
    themes = Themes([tmp_path])
    mine, paper, dark = themes.load("mine-too"), themes.load("paper"), themes.load("dark")
    assert (mine.variables["up"], mine.accent) == ("#003D3A", "#990F3D")
    assert {**mine.variables, "up": ""} == {**paper.variables, "up": ""}
    assert (dark.variables["up"], dark.background) == ("#FFFFFF", Themes().load("dark").background)


def test_themes_that_extend_each_other_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b\n")
    (tmp_path / "b.yaml").write_text("extends: a\n")
    with pytest.raises(ThemeError, match="extends: a extends this theme itself"):
        Themes([tmp_path]).load("a")


@pytest.mark.parametrize("name", OURS)
def test_our_themes_are_read_without_pyyaml_and_as_it_reads_them(name: str) -> None:
    text = (Path(themes.__file__).parent / f"{name}.yaml").read_text()
    assert read_simply(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "a:",
        "dark: yes",
        "dark: true # so",
        'dark: "a\\tb"',
        "description: plain words",
        'aa: "1"\naa: "2"',
        'roles:\n    up: "#fff"',
        'roles: {up: "#fff"}',
        '  up: "#fff"',
        'roles:\n  up:\n    on: "#fff"',
        'dark: true\n  up: "#fff"',
        'on: "x"',
        "roles:\ndark: true",
    ],
)
def test_what_is_written_otherwise_is_left_to_pyyaml(text: str) -> None:
    assert read_simply(text) is None


def test_a_file_nobody_asks_for_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: [")
    themes = Themes([tmp_path])
    assert "other" in themes.names
    assert themes.load("dark").name == "dark"
    with pytest.raises(ThemeError, match="there is no theme 'nope'; there are colour-blind, dark"):
        themes.load("nope")


def test_no_color_gets_the_theme_without_colour() -> None:
    assert choose_theme("dark", {"NO_COLOR": "1"}) == "monochrome"
    assert choose_theme("dark", {"NO_COLOR": ""}) == "dark"


def test_the_theme_without_colour_is_made_of_true_greys() -> None:
    palette = palette_of("monochrome")
    for role in ROLES:
        style = palette.style(role)
        for colour in (style.color, style.bgcolor):
            assert colour is not None
            assert colour.triplet is not None
            assert len(set(colour.triplet)) == 1, role


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#ff0000", "#ffffff", 4.0), ("#123456", "#123456", 1.0)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, known: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(known, abs=0.01)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("role", sorted({*ROLES, "foreground", "accent", "warning", "error", "success"} - {"cursor"}))
def test_everything_can_be_read_on_its_ground(name: str, role: str) -> None:
    """4.5 for text, also under the cursor; 3 for the frame with the focus, as the palette draws it; 7 in the theme made for that."""
    palette = palette_of(name)
    for base in ("", "cursor"):
        style = palette.style(base, role)
        wanted = 3.0 if role == "focus" else 1.2 if role == "line" else 7.0 if name == "high-contrast" and not base else 4.5
        if not (base and role in ("line", "focus")):
            assert contrast(_hex(style.color), _hex(style.bgcolor)) >= wanted, base


def _hex(colour: Any) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour.triplet)


@pytest.mark.parametrize("eye", SEEN_BY)
def test_up_and_down_are_far_apart_to_every_eye_in_the_theme_made_for_that(eye: str) -> None:
    theme = Themes().load("colour-blind")
    assert apart(theme.variables["up"], theme.variables["down"], eye) > 60
    assert apart(theme.variables["buy"], theme.variables["sell"], eye) > 60


@pytest.mark.parametrize("eye", ["protanope", "deuteranope"])
def test_the_simulation_sees_no_difference_between_a_red_and_a_green_of_one_lightness(eye: str) -> None:
    assert apart("#78c79a", "#ee7b74", eye) < 20


def test_where_red_rises_green_falls_and_nothing_that_warns_is_red() -> None:
    theme = Themes().load("red-up")
    (red, green, _), (its_red, its_green, _) = (Color.parse(theme.variables[role]).rgb for role in ("up", "down"))
    assert red > green
    assert its_red < its_green
    assert len({theme.error, theme.warning, theme.variables["up"]}) == 3


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
