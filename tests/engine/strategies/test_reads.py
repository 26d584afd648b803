"""What a strategy's own lines read, while somebody listens."""

from __future__ import annotations

from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]

from engine.strategies.reads import Reads


def test_a_file_is_heard_of_while_somebody_listens_and_no_longer(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("1\n")
    reads, usual = Reads(Path(__file__)), pd.read_parquet
    with reads.heard():
        file.read_text()
        assert pd.read_parquet is not usual, "its library opens files of which Python tells nothing"
    heard = [read.path for read in reads.found]
    file.read_text()
    assert heard == [read.path for read in reads.found] == [file]
    assert pd.read_parquet is usual
