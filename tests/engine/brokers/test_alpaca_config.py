"""Which account at Alpaca is traded: paper and live never mix, and what is missing is said with what to do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from engine.brokers.alpaca.config import alpaca_config, same_keys
from engine.brokers.base import BrokerError
from engine.model.settings import AccountKind, AlpacaSettings, Settings
from engine.secrets import without_secrets

KEYS = {"ALPACA_API_KEY": "PKTEST", "ALPACA_SECRET_KEY": "a-secret-of-some-length"}


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_keys_come_from_the_environment_by_either_name() -> None:
    assert alpaca_config(KEYS, AlpacaSettings()).key == "PKTEST"
    assert alpaca_config({"APCA_API_KEY_ID": "PK2", "APCA_API_SECRET_KEY": "secret"}, AlpacaSettings()).key == "PK2"


@pytest.mark.parametrize(
    ("environment", "url", "account", "words"),
    [
        ({}, "", "", "set ALPACA_API_KEY and ALPACA_SECRET_KEY"),
        ({}, "", "", "the package keyring must be installed beside this one, and is not: pipx inject tradeconsole keyring."),
        ({"ALPACA_API_KEY": "PK"}, "", "", "only one is set"),
        ({**KEYS, "ALPACA_API_KEY": "AKLIVE"}, "", "", "The key is one for a live account"),
        ({**KEYS, "APCA_API_BASE_URL": "https://api.alpaca.markets"}, "", "", "leads to https://api.alpaca.markets, and this is a paper"),
        (KEYS, "https://api.alpaca.markets", "", "no server but one on this machine"),
        (KEYS, "http://127.0.0.1.evil.example", "", "no server but one on this machine"),
        (KEYS, "", "123456789", "no paper account: those on paper begin with PA"),
    ],
)
def test_what_would_mix_paper_and_live_or_has_no_keys_is_refused_in_words(
    environment: dict[str, str], url: str, account: str, words: str
) -> None:
    with pytest.raises(BrokerError) as caught:
        alpaca_config(environment, AlpacaSettings(account, url=url))
    assert words in str(caught.value)
    assert "a-secret-of-some-length" not in str(caught.value)


def test_keys_of_the_keyring_are_hidden_like_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"alpaca-paper-key": "PKFROMRING", "alpaca-paper-secret": "ring-secret-0123"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda service, name: kept.get(name)))
    monkeypatch.setattr("engine.secrets._learned", set())
    assert alpaca_config({}, AlpacaSettings()).secret == "ring-secret-0123"
    assert "ring-secret" not in without_secrets("refused: ring-secret-0123")


def test_of_a_keyring_that_can_be_read_and_has_no_keys_no_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda service, name: None))
    with pytest.raises(BrokerError, match=r"as alpaca-paper-key and alpaca-paper-secret\.$"):
        alpaca_config({}, AlpacaSettings())


def test_a_keyring_that_is_locked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(service: str, name: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    with pytest.raises(BrokerError, match="The keyring cannot be read"):
        alpaca_config({}, AlpacaSettings())


LIVE_KEYS = {"ALPACA_API_KEY": "AKTEST", "ALPACA_SECRET_KEY": "a-secret-of-some-length"}


@pytest.mark.parametrize(
    ("environment", "account", "words"),
    [
        (LIVE_KEYS, "", "A live account is traded by its number alone"),
        (LIVE_KEYS, "PA12345", "no live account: those on paper begin with PA"),
        (KEYS, "12345", "The key is one for a paper account, and this is a live one"),
        ({**LIVE_KEYS, "ALPACA_BASE_URL": "https://paper-api.alpaca.markets"}, "12345", "and this is a live account: unset it"),
        ({}, "12345", "the keys of a live account"),
    ],
)
def test_what_would_trade_on_paper_in_place_of_live_is_refused_in_words(environment: dict[str, str], account: str, words: str) -> None:
    with pytest.raises(BrokerError, match=words):
        alpaca_config(environment, AlpacaSettings(account), "live")


def test_a_live_account_takes_its_keys_and_its_number() -> None:
    config = alpaca_config(LIVE_KEYS, AlpacaSettings("12345"), "live")
    assert (config.key, config.account, config.kind) == ("AKTEST", "12345", "live")


@pytest.mark.parametrize("kind", ["paper", "live"])
def test_keys_of_a_name_are_those_and_no_others(kind: AccountKind) -> None:
    begins = {"paper": "PK", "live": "AK"}[kind]
    account = AlpacaSettings("" if kind == "paper" else "12345", keys="second")
    with pytest.raises(BrokerError, match=rf"set ALPACA_API_KEY_SECOND and ALPACA_SECRET_KEY_SECOND .* as alpaca-{kind}-second-key"):
        alpaca_config({**KEYS, **LIVE_KEYS}, account, kind)
    second = {"ALPACA_API_KEY_SECOND": f"{begins}2", "ALPACA_SECRET_KEY_SECOND": "another-secret"}
    assert alpaca_config({**KEYS, **second}, account, kind).secret == "another-secret"


def test_two_names_for_one_key_are_named() -> None:
    def account(keys: str, broker: str = "alpaca", url: str = "") -> Settings:
        return Settings(broker=broker, alpaca=AlpacaSettings(keys=keys, url=url))

    environment = {f"{name}{end}": key for end in ("", "_B", "_C") for name, key in KEYS.items()} | {"ALPACA_API_KEY_C": "PKOTHER"}
    accounts = {"a": account(""), "b": account("b"), "c": account("c"), "unset": account("d"), "paper": account("b", "paper")}
    assert list(same_keys(accounts, environment)) == [
        "accounts.b: alpaca.keys b and without a name, of a, hold the same key: no two trade one account there"
    ]
    assert list(same_keys({"a": account(""), "b": account("b", url="http://127.0.0.1:1")}, environment)) == []
