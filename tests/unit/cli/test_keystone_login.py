"""How a region is told of a Keystone: what cannot work is refused before anything is kept."""

from pathlib import Path

import pytest

from services.cli.region import Region, RegionError
from services.cli.up import keystone_login

LOGIN = b'{"auth": {"identity": {"methods": ["password"], "password": {}}}}'
URL = "http://keystone.test:5000"


def region(tmp_path: Path, url: str = URL) -> Region:
    return Region(data=tmp_path, keystone_url=url)


def test_a_region_with_its_own_identity_needs_no_login(tmp_path: Path) -> None:
    assert keystone_login(region(tmp_path, ""), None) is None


def test_a_login_is_the_body_of_a_request_for_a_token(tmp_path: Path) -> None:
    given = tmp_path / "login.json"
    given.write_bytes(LOGIN)
    assert keystone_login(region(tmp_path), given) == LOGIN
    for wrong in (b"", b"{}", b"secret", b'{"auth": []}', b'{"auth": {"identity": {"methods": "password"}}}'):
        given.write_bytes(wrong)
        with pytest.raises(RegionError, match="is not the body of a request for a token"):
            keystone_login(region(tmp_path), given)


def test_a_keystone_without_a_login_is_refused_until_one_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="give --keystone-login"):
        keystone_login(region(tmp_path), None)
    kept = region(tmp_path).keystone_login
    kept.parent.mkdir()
    kept.write_bytes(LOGIN)
    assert keystone_login(region(tmp_path), None) is None


def test_a_keystone_is_named_by_its_url(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="is not the URL of a Keystone"):
        keystone_login(region(tmp_path, "keystone.test:5000"), None)


@pytest.mark.parametrize("seconds", [0, 59, 7 * 24 * 3600 + 1, "3600", True])
def test_a_token_lives_from_a_minute_to_a_week(tmp_path: Path, seconds: object) -> None:
    with pytest.raises(ValueError, match="is not a token's lifetime"):
        Region(data=tmp_path, token_seconds=seconds).require_sound()  # type: ignore[arg-type]
