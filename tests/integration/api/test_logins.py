"""Logging in too often with what is wrong: 429, and when to come again."""

from datetime import timedelta

import pytest

from services.api.identity import passwords
from services.api.identity.login_limits import USER_FROM_ADDRESS
from services.cli.clouds import DEMO
from tests.integration.api.conftest import Api
from tests.integration.api.people import IDENTITY, make_member


async def test_guessing_is_slowed_down_for_known_and_unknown_users_alike(api: Api) -> None:
    for user in ("demo", "nobody"):
        for _ in range(USER_FROM_ADDRESS.failures):
            assert (await api.log_in_as("x", user=user, password="wrong", project=user)).status_code == 401  # noqa: S106
        refused = await api.log_in_as("x", user=user, password="wrong", project=user)  # noqa: S106
        assert refused.status_code == 429
        assert refused.json()["error"]["title"] == "Too Many Requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= USER_FROM_ADDRESS.seconds
    api.clock.ahead = timedelta(seconds=USER_FROM_ADDRESS.seconds)
    answer = await api.log_in_as("x", user="demo", password=api.password(DEMO), project="demo")
    assert answer.status_code == 201


async def test_the_password_to_be_changed_cannot_be_guessed_either(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    body = {"user": {"original_password": "wrong", "password": "another"}}
    path = f"{IDENTITY}/users/{user_id}/password"
    statuses = [
        (await api("POST", path, cloud="ann", json=body)).status_code for _ in range(USER_FROM_ADDRESS.failures + 1)
    ]
    assert statuses == [401] * USER_FROM_ADDRESS.failures + [429]


async def test_a_token_that_was_given_goes_on_opening_while_logins_are_refused(api: Api) -> None:
    await make_member(api, "ann", "member")
    for _ in range(USER_FROM_ADDRESS.failures + 1):
        refused = await api.log_in_as("x", user="ann", password="wrong", project="ann")  # noqa: S106
    assert refused.status_code == 429
    assert (await api("GET", "/v2.1/servers", cloud="ann")).status_code == 200


async def test_a_secret_of_nobody_is_checked_like_one_of_somebody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that an answer takes must not tell who there is: the check is what takes it."""
    checked: list[str] = []
    verify = passwords._verify

    def counting(hashed: str, password: str) -> bool:
        checked.append(hashed)
        return verify(hashed, password)

    monkeypatch.setattr(passwords, "_verify", counting)
    for user in ("demo", "nobody"):
        await api.log_in_as("x", user=user, password="wrong", project=None)  # noqa: S106
    program = {"id": "nothing", "secret": "wrong"}
    identity = {"methods": ["application_credential"], "application_credential": program}
    await api.http.post(f"{IDENTITY}/auth/tokens", json={"auth": {"identity": identity}})
    assert len(checked) == 3
    assert {hashed.rsplit("$", 2)[0] for hashed in checked} == {"$argon2id$v=19$m=65536,t=3,p=4"}
