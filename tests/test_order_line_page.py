"""The page of the order line says what the grammar does, and so does what the help lists."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from console.meanings import Parsed
from console.order_line import parse
from console.screens.help import EXAMPLES
from tests.console.lines import CONTEXT
from tests.order_line_page import PAGE, page
from tests.project_files import ROOT


def test_the_page_is_in_step_with_the_grammar() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make readme"


def test_the_readme_leads_to_the_page() -> None:
    assert f"]({PAGE.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [line for lines, _ in EXAMPLES for line in re.split(" {4}", lines)])
def test_an_example_of_the_help_is_a_line(line: str) -> None:
    assert isinstance(parse(line, CONTEXT), Parsed), line


MADE_FOR = """
buy 100 AAPL @ 187.50 day          sell half AAPL mkt            buy $5k AAPL @ bid+0.02 tp +4% sl -2%
sell all TSLA trail 1.5%           buy AAPL risk 0.5% sl 184     cancel AAPL    cancel *    cancel #12
close AAPL 50%                     flatten                       mode semi        preview buy 10 MSFT
"""


@pytest.mark.parametrize("line", re.split(r" {4,}|\n", MADE_FOR.strip()))
def test_the_lines_that_the_grammar_was_made_for_are_lines(line: str) -> None:
    tesla = replace(CONTEXT.symbols["AAPL"], position=Decimal(40))
    assert isinstance(parse(line, replace(CONTEXT, symbols={**CONTEXT.symbols, "TSLA": tesla})), Parsed), line
