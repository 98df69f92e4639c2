"""Application credentials: how a program logs in as a user, with less than the user has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.identity.credential import Credential
from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api
from tests.integration.api.people import IDENTITY, PASSWORD, grant, grant_path, make_member, make_project


async def make(api: Api, user_id: str, *, cloud: str = "ann", **fields: Any) -> dict[str, Any]:
    answer = await ask(api, user_id, cloud=cloud, **fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["application_credential"]
    return made


async def ask(api: Api, user_id: str, *, cloud: str = "ann", **fields: Any) -> httpx.Response:
    body = {"application_credential": {"name": "backup", **fields}}
    return await api("POST", f"{IDENTITY}/users/{user_id}/application_credentials", cloud=cloud, json=body)


async def log_in(api: Api, credential: dict[str, Any], *, scope: Any = None, cloud: str = "program") -> httpx.Response:
    given = {name: credential[name] for name in ("id", "name", "user", "secret") if name in credential}
    auth: dict[str, Any] = {"identity": {"methods": ["application_credential"], "application_credential": given}}
    if scope is not None:
        auth["scope"] = scope
    answer = await api.http.post(f"{IDENTITY}/auth/tokens", json={"auth": auth})
    if answer.status_code == 201:
        api.tokens[cloud] = answer.headers["X-Subject-Token"]
    return answer


def by_id(made: dict[str, Any]) -> dict[str, Any]:
    return {"id": made["id"], "secret": made["secret"]}


async def test_a_program_logs_in_with_it_and_acts(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    made = await make(api, user_id, description="Makes backups at night")
    assert made["project_id"] == project_id
    assert made["unrestricted"] is False
    assert made["expires_at"] is None
    assert [role["name"] for role in made["roles"]] == ["member", "reader"]
    answer = await log_in(api, by_id(made))
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert token["methods"] == ["application_credential"]
    assert token["project"]["id"] == project_id
    assert token["application_credential"] == {"id": made["id"], "name": "backup", "restricted": True}
    assert {service["type"] for service in token["catalog"]} == {"compute", "identity", "image", "network"}
    assert (await api("GET", "/v2.1/servers", cloud="program")).status_code == 200


@pytest.mark.parametrize("how", ["by user id", "by user name"])
async def test_it_is_named_by_its_name_and_its_user_too(api: Api, how: str) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    user = {"id": user_id} if how == "by user id" else {"name": "ann", "domain": {"id": "default"}}
    answer = await log_in(api, {"name": "backup", "user": user, "secret": made["secret"]})
    assert answer.status_code == 201
    nameless = await log_in(api, {"name": "backup", "secret": made["secret"]})
    assert nameless.status_code == 400


async def test_the_secret_is_shown_once_and_is_nowhere_but_hashed(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    assert len(made["secret"]) > 40
    path = f"{IDENTITY}/users/{user_id}/application_credentials"
    shown = (await api.get(f"{path}/{made['id']}", cloud="ann"))["application_credential"]
    listed = (await api.get(path, cloud="ann"))["application_credentials"]
    assert listed == [shown]
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    root = api.settings.log.directory / "jetstream"
    assert not [path for path in root.rglob("*.blk") if made["secret"].encode() in path.read_bytes()]
    kept = await api.dependencies.secrets.get(f"credential.{made['id']}")
    assert kept is not None
    assert kept.startswith(b"$argon2id$")


async def test_a_wrong_secret_an_unknown_one_and_a_deleted_one_are_answered_alike(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    path = f"{IDENTITY}/users/{user_id}/application_credentials/{made['id']}"
    answers = [
        await log_in(api, {"id": made["id"], "secret": "wrong"}),
        await log_in(api, {"id": "none", "secret": made["secret"]}),
    ]
    assert (await api("DELETE", path, cloud="ann")).status_code == 204
    answers.append(await log_in(api, by_id(made)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert (await api("GET", path, cloud="ann")).status_code == 404
    assert await api.dependencies.secrets.get(f"credential.{made['id']}") is None


async def test_deleting_it_ends_its_tokens_and_no_others(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    await log_in(api, by_id(made))
    await api("DELETE", f"{IDENTITY}/users/{user_id}/application_credentials/{made['id']}", cloud="ann")
    assert (await api("GET", "/v2.1/servers", cloud="program")).status_code == 401
    assert (await api("GET", "/v2.1/servers", cloud="ann")).status_code == 200
    assert (await ask(api, user_id)).status_code == 201  # the name is free again


async def test_a_name_is_given_once_to_each_user(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    other_id, _ = await make_member(api, "bob", "member")
    await make(api, user_id)
    assert (await ask(api, user_id)).status_code == 409
    assert (await ask(api, other_id, cloud="bob")).status_code == 201


async def test_it_has_the_roles_that_were_asked_for_and_never_more_than_its_maker(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id, roles=[{"name": "reader"}])
    answer = await log_in(api, by_id(made))
    assert [role["name"] for role in answer.json()["token"]["roles"]] == ["reader"]
    created = await api("POST", "/v2.1/os-keypairs", cloud="program", json={"keypair": {"name": "k"}})
    assert created.status_code == 403
    refused = await ask(api, user_id, name="more", roles=[{"name": "admin"}])
    assert refused.status_code == 400
    assert "admin" in refused.json()["error"]["message"]


async def test_it_is_worth_nothing_once_a_role_of_it_is_taken_from_its_user(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member", "reader")
    made = await make(api, user_id)
    await log_in(api, by_id(made))
    assert (await api("DELETE", await grant_path(api, project_id, user_id, "member"), cloud=ADMIN)).status_code == 204
    assert (await api("GET", "/v2.1/servers", cloud="program")).status_code == 401
    assert (await log_in(api, by_id(made))).status_code == 401
    assert (await api.log_in_as("ann", user="ann", password=PASSWORD, project="ann")).status_code == 201


async def test_it_ends_when_it_was_told_to_and_so_do_its_tokens(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    ends = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0, tzinfo=None)
    made = await make(api, user_id, expires_at=ends.isoformat())
    assert made["expires_at"] == f"{ends.isoformat()}.000000Z"
    answer = await log_in(api, by_id(made))
    assert answer.json()["token"]["expires_at"] == made["expires_at"]
    api.clock.ahead = timedelta(hours=1, seconds=1)
    assert (await api("GET", "/v2.1/servers", cloud="program")).status_code == 401
    assert (await log_in(api, by_id(made))).status_code == 401


@pytest.mark.parametrize("expires_at", ["yesterday", "2001-01-01T00:00:00", ""])
async def test_it_ends_at_a_moment_to_come(api: Api, expires_at: str) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    assert (await ask(api, user_id, expires_at=expires_at)).status_code == 400


async def test_a_program_makes_and_deletes_none_unless_it_was_allowed_to(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    await log_in(api, by_id(made))
    path = f"{IDENTITY}/users/{user_id}/application_credentials"
    assert (await ask(api, user_id, cloud="program", name="second")).status_code == 403
    assert (await api("DELETE", f"{path}/{made['id']}", cloud="program")).status_code == 403
    exchanged = {"auth": {"identity": {"methods": ["token"], "token": {"id": api.tokens["program"]}}}}
    again = await api.http.post(f"{IDENTITY}/auth/tokens", json=exchanged)
    assert again.json()["token"]["application_credential"]["id"] == made["id"]
    api.tokens["exchanged"] = again.headers["X-Subject-Token"]
    assert (await ask(api, user_id, cloud="exchanged", name="second")).status_code == 403
    allowed = await make(api, user_id, name="maker", unrestricted=True)
    await log_in(api, by_id(allowed))
    assert (await ask(api, user_id, cloud="program", name="second")).status_code == 201


async def test_it_is_good_for_its_own_project_only(api: Api) -> None:
    user_id, project_id = await make_member(api, "ann", "member")
    lab = await make_project(api, "lab")
    await grant(api, lab["id"], user_id, "member")
    made = await make(api, user_id)
    assert (await log_in(api, by_id(made), scope={"project": {"id": lab["id"]}})).status_code == 401
    assert (await log_in(api, by_id(made), scope="unscoped")).status_code == 401
    assert (await log_in(api, by_id(made), scope={"project": {"id": project_id}})).status_code == 201
    exchanged = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": api.tokens["program"]}},
            "scope": {"project": {"id": lab["id"]}},
        }
    }
    assert (await api.http.post(f"{IDENTITY}/auth/tokens", json=exchanged)).status_code == 401


async def test_nobody_makes_one_for_another_and_only_administrators_see_those_of_others(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    await make_member(api, "bob", "member")
    made = await make(api, user_id)
    path = f"{IDENTITY}/users/{user_id}/application_credentials"
    for method, where in (("GET", path), ("GET", f"{path}/{made['id']}"), ("DELETE", f"{path}/{made['id']}")):
        assert (await api(method, where, cloud="bob")).status_code == 403
    for cloud in ("bob", ADMIN):
        assert (await ask(api, user_id, cloud=cloud, name="another")).status_code == 403
    assert (await api("GET", path, cloud=ADMIN)).status_code == 200


async def test_those_of_a_deleted_user_are_deleted_with_it(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    made = await make(api, user_id)
    await log_in(api, by_id(made))
    assert (await api("DELETE", f"{IDENTITY}/users/{user_id}", cloud=ADMIN)).status_code == 204
    assert (await api("GET", "/v2.1/servers", cloud="program")).status_code == 401
    assert (await log_in(api, by_id(made))).status_code == 401
    saved = await api.running.plane.repository.load(Credential, made["id"], fresh=True)
    assert saved.aggregate.is_deleted
    assert await api.dependencies.secrets.get(f"credential.{made['id']}") is None


async def test_it_does_not_change_the_password_of_its_user(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    await log_in(api, by_id(await make(api, user_id)))
    body = {"user": {"original_password": PASSWORD, "password": "another"}}
    answer = await api("POST", f"{IDENTITY}/users/{user_id}/password", cloud="program", json=body)
    assert answer.status_code == 403


async def test_access_rules_are_refused_and_not_ignored(api: Api) -> None:
    user_id, _ = await make_member(api, "ann", "member")
    rules = [{"path": "/v2.1/servers", "method": "GET", "service": "compute"}]
    assert (await ask(api, user_id, access_rules=rules)).status_code == 400
