"""Which account at Alpaca is traded: paper and live never mix, and what is missing is said with what to do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from engine.brokers.alpaca.config import paper_config
from engine.brokers.base import BrokerError
from engine.secrets import without_secrets

KEYS = {"ALPACA_API_KEY": "PKTEST", "ALPACA_SECRET_KEY": "a-secret-of-some-length"}


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_keys_come_from_the_environment_by_either_name() -> None:
    assert paper_config(KEYS).key == "PKTEST"
    assert paper_config({"APCA_API_KEY_ID": "PK2", "APCA_API_SECRET_KEY": "secret"}).key == "PK2"


@pytest.mark.parametrize(
    ("environment", "url", "account", "words"),
    [
        ({}, "", "", "set ALPACA_API_KEY and ALPACA_SECRET_KEY"),
        ({"ALPACA_API_KEY": "PK"}, "", "", "only one is set"),
        ({**KEYS, "ALPACA_API_KEY": "AKLIVE"}, "", "", "The key is one for a live account"),
        ({**KEYS, "APCA_API_BASE_URL": "https://api.alpaca.markets"}, "", "", "leads to https://api.alpaca.markets, and this is a paper"),
        (KEYS, "https://api.alpaca.markets", "", "no server but one on this machine"),
        (KEYS, "http://127.0.0.1.evil.example", "", "no server but one on this machine"),
        (KEYS, "", "123456789", "no paper account: those begin with PA"),
    ],
)
def test_what_would_mix_paper_and_live_or_has_no_keys_is_refused_in_words(
    environment: dict[str, str], url: str, account: str, words: str
) -> None:
    with pytest.raises(BrokerError) as caught:
        paper_config(environment, url, account)
    assert words in str(caught.value)
    assert "a-secret-of-some-length" not in str(caught.value)


def test_keys_of_the_keyring_are_hidden_like_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"alpaca-paper-key": "PKFROMRING", "alpaca-paper-secret": "ring-secret-0123"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda service, name: kept.get(name)))
    monkeypatch.setattr("engine.secrets._learned", set())
    assert paper_config({}).secret == "ring-secret-0123"
    assert "ring-secret" not in without_secrets("refused: ring-secret-0123")


def test_a_keyring_that_is_locked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(service: str, name: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    with pytest.raises(BrokerError, match="The keyring cannot be read"):
        paper_config({})
