"""Projects and users that a test makes through the API, as an administrator does."""

from typing import Any

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

IDENTITY = "/identity/v3"
PASSWORD = "correct horse battery staple"  # noqa: S105 -- of users that live as long as a test


async def make_project(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    answer = await api("POST", f"{IDENTITY}/projects", cloud=ADMIN, json={"project": {"name": name, **fields}})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["project"]
    return made


async def make_user(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    body = {"user": {"name": name, "password": PASSWORD, **fields}}
    answer = await api("POST", f"{IDENTITY}/users", cloud=ADMIN, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["user"]
    return made


async def role_id(api: Api, name: str) -> str:
    found = (await api.get(f"{IDENTITY}/roles?name={name}", cloud=ADMIN))["roles"]
    return str(found[0]["id"])


async def grant_path(api: Api, project_id: str, user_id: str, role: str) -> str:
    return f"{IDENTITY}/projects/{project_id}/users/{user_id}/roles/{await role_id(api, role)}"


async def grant(api: Api, project_id: str, user_id: str, role: str) -> None:
    answer = await api("PUT", await grant_path(api, project_id, user_id, role), cloud=ADMIN)
    assert answer.status_code == 204, answer.text


async def make_member(api: Api, name: str, *roles: str, project: str | None = None) -> tuple[str, str]:
    """A user with roles in a project of its own name, logged in as `name`; the ids of user and project."""
    made = await make_project(api, project or name)
    user = await make_user(api, name)
    for role in roles:
        await grant(api, made["id"], user["id"], role)
    answer = await api.log_in_as(name, user=name, password=PASSWORD, project=project or name)
    assert answer.status_code == 201, answer.text
    return user["id"], made["id"]
