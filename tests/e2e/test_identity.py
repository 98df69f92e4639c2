"""Identity, as the stock client uses it: projects, users, roles, tokens, and application credentials in clouds.yaml."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.clouds import ADMIN
from services.cli.region import Region
from tests.e2e.conftest import Cloud, Done, chronova, run
from tests.integration.conftest import free_port

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of users of a region that lives as long as a test


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, stock_client: str) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("identity") / "region"
    ports = ("--api-port", str(free_port()), "--nats-port", str(free_port()))
    started = chronova(
        "up", "--detach", "--no-first-instance", "--hypervisor", "simulated", "--data", str(data), *ports
    )
    try:
        assert started.code == 0, started.output + started.errors
        settings = Region.load(data)
        assert settings is not None
        yield Cloud(settings, stock_client, started.output)
    finally:
        ended = chronova("down", "--data", str(data))
    assert ended.code == 0, ended.errors


def admin(cloud: Cloud, *arguments: str) -> Any:
    """What a command of the administrator prints as JSON; None when it prints nothing."""
    shows = arguments[1] in {"create", "list", "show", "issue"} or arguments[2] in {"create", "list", "show"}
    done = cloud.openstack(*arguments, *(("-f", "json") if shows else ()), cloud=ADMIN)
    assert done.code == 0, done.errors
    return json.loads(done.output) if shows else None


def as_ann(cloud: Cloud, *arguments: str) -> Done:
    environment = {
        "OS_AUTH_URL": f"{cloud.settings.api_url}/identity/v3",
        "OS_USERNAME": "ann",
        "OS_PASSWORD": PASSWORD,
        "OS_PROJECT_NAME": "lab",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_IDENTITY_API_VERSION": "3",
    }
    return run(cloud.client, *arguments, environment=environment)


def test_the_stock_client_makes_a_project_a_user_and_a_program_that_acts_for_it(
    simulated: Cloud, tmp_path: Path
) -> None:
    cloud = simulated
    assert admin(cloud, "project", "create", "lab", "--description", "Where things are tried")["enabled"]
    made = admin(cloud, "user", "create", "ann", "--password", PASSWORD, "--email", "ann@example.org")
    assert made["email"] == "ann@example.org"
    assert as_ann(cloud, "token", "issue").code != 0  # no role yet
    admin(cloud, "role", "add", "member", "--user", "ann", "--project", "lab")
    assigned = admin(cloud, "role", "assignment", "list", "--user", "ann", "--names")
    assert [one["Role"] for one in assigned] == ["member"]
    assert as_ann(cloud, "server", "list").code == 0
    assert as_ann(cloud, "user", "list").code != 0

    created = as_ann(cloud, "application", "credential", "create", "backup", "--role", "reader", "-f", "json")
    assert created.code == 0, created.errors
    credential = {name.lower(): value for name, value in json.loads(created.output).items()}
    config = tmp_path / "clouds.yaml"
    config.write_text(
        "clouds:\n"
        "  program:\n"
        "    auth_type: v3applicationcredential\n"
        "    auth:\n"
        f"      auth_url: {cloud.settings.api_url}/identity/v3\n"
        f"      application_credential_id: {credential['id']}\n"
        f"      application_credential_secret: {credential['secret']}\n"
        "    region_name: RegionOne\n"
    )

    def program(*arguments: str) -> Done:
        return run(
            cloud.client, "--os-cloud", "program", *arguments, environment={"OS_CLIENT_CONFIG_FILE": str(config)}
        )

    assert program("server", "list").code == 0
    refused = program("keypair", "create", "k")
    assert refused.code != 0
    assert "403" in refused.errors
    assert as_ann(cloud, "application", "credential", "delete", "backup").code == 0
    assert program("server", "list").code != 0


def test_the_stock_client_ends_a_token_a_role_and_a_user(simulated: Cloud) -> None:
    cloud = simulated
    admin(cloud, "project", "create", "lab2")
    admin(cloud, "user", "create", "bob", "--password", PASSWORD, "--project", "lab2")
    admin(cloud, "role", "add", "reader", "--user", "bob", "--project", "lab2")
    token = admin(cloud, "token", "issue")["id"]
    by_token = ("--os-auth-type", "v3token", "--os-token", token)
    where = {
        "OS_AUTH_URL": f"{cloud.settings.api_url}/identity/v3",
        "OS_PROJECT_NAME": "admin",
        "OS_PROJECT_DOMAIN_ID": "default",
    }
    assert run(cloud.client, *by_token, "user", "list", environment=where).code == 0
    admin(cloud, "token", "revoke", token)
    assert run(cloud.client, *by_token, "user", "list", environment=where).code != 0
    admin(cloud, "role", "remove", "reader", "--user", "bob", "--project", "lab2")
    admin(cloud, "user", "set", "--disable", "bob")
    assert admin(cloud, "user", "show", "bob")["enabled"] is False
    admin(cloud, "user", "set", "--name", "robert", "--enable", "bob")
    admin(cloud, "user", "delete", "robert")
    admin(cloud, "project", "delete", "lab2")
    assert {user["Name"] for user in admin(cloud, "user", "list")} >= {"admin", "demo"}
    assert "robert" not in {user["Name"] for user in admin(cloud, "user", "list")}


def test_a_second_region_takes_the_tokens_of_the_first_as_of_a_keystone(simulated: Cloud, tmp_path: Path) -> None:
    cloud = simulated
    admin(cloud, "project", "create", "service")
    admin(cloud, "user", "create", "nova", "--password", PASSWORD)
    admin(cloud, "role", "add", "service", "--user", "nova", "--project", "service")
    domain = {"id": "default"}
    login = tmp_path / "login.json"
    user = {"name": "nova", "domain": domain, "password": PASSWORD}
    scope = {"project": {"name": "service", "domain": domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    login.write_text(json.dumps({"auth": {"identity": identity, "scope": scope}}))
    data, port = tmp_path / "second", free_port()
    keystone = f"{cloud.settings.api_url}/identity"
    up = ("up", "--detach", "--hypervisor", "simulated", "--data", str(data))
    ports = ("--api-port", str(port), "--nats-port", str(free_port()))
    refused = chronova(*up, *ports, "--keystone-url", keystone)
    assert refused.code != 0
    assert "give --keystone-login" in refused.output + refused.errors
    started = chronova(*up, *ports, "--keystone-url", keystone, "--keystone-login", str(login))
    try:
        assert started.code == 0, started.output + started.errors
        assert f"Users and tokens are those of the Keystone at {keystone}." in started.output
        token = admin(cloud, "token", "issue")["id"]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Auth-Token": token}) as http:
            assert http.get("/v2.1/servers").json() == {"servers": []}
            assert http.get("/v2.1/os-services").status_code == 200
            assert http.get("/identity/v3").status_code == 404
            image = http.get("/image/v2/images").json()["images"][0]["id"]
            server = {"name": "vm", "flavorRef": "1", "imageRef": image, "networks": "none"}
            headers = {"OpenStack-API-Version": "compute 2.37"}
            assert http.post("/v2.1/servers", json={"server": server}, headers=headers).status_code == 202
            assert http.get("/v2.1/servers", headers={"X-Auth-Token": "x"}).status_code == 401
        assert (data / "keys" / "keystone-login.json").stat().st_mode & 0o077 == 0
        assert not (data / "clouds.yaml").exists()
    finally:
        ended = chronova("down", "--data", str(data))
    assert ended.code == 0, ended.errors


def test_no_secret_is_in_what_the_services_write_down(simulated: Cloud) -> None:
    written = [path for path in simulated.settings.logs.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if PASSWORD in path.read_text(errors="replace")]
