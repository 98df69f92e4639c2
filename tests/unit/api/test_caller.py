"""Tokens: a caller, signed, until they end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt

from services.api.caller import LIFETIME, Caller, Tokens

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLER = Caller("u1", "ann", "p1", "demo", ("member", "reader"), ("password",), NOW, NOW + LIFETIME, "a1")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_token_stands_for_its_caller() -> None:
    tokens = Tokens(KEY, Clock())
    assert tokens.read(tokens.issue(CALLER)) == CALLER


def test_a_token_ends_after_twelve_hours() -> None:
    clock = Clock()
    tokens = Tokens(KEY, clock)
    token = tokens.issue(CALLER)
    clock.now = NOW + timedelta(hours=12) - timedelta(seconds=1)
    assert tokens.read(token) == CALLER
    clock.now = NOW + timedelta(hours=12)
    assert tokens.read(token) is None


def test_what_is_not_our_token_is_none() -> None:
    tokens = Tokens(KEY, Clock())
    issued = tokens.issue(CALLER)
    unsigned = jwt.encode({"sub": "u1", "exp": 9999999999, "iat": 1, "iss": "chronova"}, "", algorithm="none")
    partial = jwt.encode({"sub": "u1", "exp": 9999999999, "iat": 1, "iss": "chronova"}, KEY, algorithm="HS256")
    for token in (
        "",
        "x",
        "a.b.c",
        issued[:-2],
        issued + "x",
        Tokens(OTHER_KEY, Clock()).issue(CALLER),
        unsigned,
        partial,
    ):
        assert tokens.read(token) is None


def test_an_administrator_is_one_by_role() -> None:
    assert not CALLER.is_admin
    assert replace(CALLER, roles=("admin", "member", "reader")).is_admin
