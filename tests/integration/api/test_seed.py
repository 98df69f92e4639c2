"""What a region has from its first start on, at later starts: what was changed since is left as it is."""

from services.cli.clouds import ADMIN, DEMO
from services.cli.control_plane import prepare_region
from services.cli.region import Region
from tests.integration.api.conftest import Api
from tests.integration.api.people import IDENTITY, grant_path, make_user


async def demo_ids(api: Api) -> tuple[str, str]:
    token = (await api.get(f"{IDENTITY}/auth/tokens", headers={"X-Subject-Token": api.tokens[DEMO]}))["token"]
    return token["user"]["id"], token["project"]["id"]


async def start_again(api: Api, settings: Region) -> int:
    """How many events it adds."""
    before = await api.position()
    await prepare_region(settings, None)
    after = await api.position()
    assert await api.applied.wait(after)
    return after - before


async def test_a_start_that_finds_everything_adds_nothing(api: Api, settings: Region) -> None:
    assert await start_again(api, settings) == 0


async def test_a_password_that_was_changed_stays(api: Api, settings: Region) -> None:
    user_id, _ = await demo_ids(api)
    changed = await api("PATCH", f"{IDENTITY}/users/{user_id}", cloud=ADMIN, json={"user": {"password": "another"}})
    assert changed.status_code == 200
    assert await start_again(api, settings) == 0
    assert (await api.log_in_as("x", user="demo", password="another", project="demo")).status_code == 201  # noqa: S106


async def test_who_has_lost_clouds_yaml_gets_new_passwords_and_old_tokens_end(api: Api, settings: Region) -> None:
    before = api.password(DEMO)
    settings.clouds_yaml.unlink()
    assert await start_again(api, settings) == 2  # a password of each of two users
    api.clock.ahead += api.dependencies.token_lifetime / 1000  # the API looks at what has ended
    assert (await api("GET", "/v2.1/servers")).status_code == 401
    assert api.password(DEMO) != before
    assert (await api.log_in_as("x", user="demo", password=before, project="demo")).status_code == 401
    await api.log_in(DEMO)
    assert (await api("GET", "/v2.1/servers")).status_code == 200


async def test_a_role_that_was_taken_away_is_not_given_back(api: Api, settings: Region) -> None:
    user_id, project_id = await demo_ids(api)
    assert (await api("DELETE", await grant_path(api, project_id, user_id, "member"), cloud=ADMIN)).status_code == 204
    assert await start_again(api, settings) == 0
    answer = await api.log_in_as("x", user="demo", password=api.password(DEMO), project="demo")
    assert answer.status_code == 401


async def test_a_first_user_that_was_deleted_stays_so_and_its_name_may_be_used(api: Api, settings: Region) -> None:
    user_id, _ = await demo_ids(api)
    assert (await api("DELETE", f"{IDENTITY}/users/{user_id}", cloud=ADMIN)).status_code == 204
    again = await make_user(api, "demo")
    assert again["id"] != user_id
    assert await start_again(api, settings) == 0
    assert await api.dependencies.secrets.get(f"user.{user_id}") is None
