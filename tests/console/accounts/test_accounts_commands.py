"""The commands over a config with several accounts: each is looked at, and one that needs one asks which."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.doctor.command import findings
from console.rebuild import rebuild


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADECONSOLE_HOME", str(tmp_path))
    file = tmp_path / "tradeconsole.yaml"
    file.write_text("accounts: {calm: {}, bold: {feed: {source: sample}}}\n")
    return file


def test_doctor_looks_at_each_account(config: Path) -> None:
    found = [(finding.about, finding.text) for finding in findings(None, None)]
    assert [text for about, text in found if about == "account"] == ["calm: paper, paper, MANUAL", "bold: paper, paper, MANUAL"]
    files = [text for about, text in found if about == "database"]
    assert [Path(text.split()[0]).name for text in files] == ["paper-calm.sqlite", "paper-bold.sqlite"]


def test_a_rebuild_asks_which_account_is_meant(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        rebuild([])
    assert "the config has calm, bold: name one with --account." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        rebuild(["--account", "bold"])
    assert "paper-bold.sqlite" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        rebuild(["--account", "cold"])
    assert "There are calm, bold" in capsys.readouterr().err
