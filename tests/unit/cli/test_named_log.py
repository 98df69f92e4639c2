"""Which event log a region has, as the command line says."""

from pathlib import Path

import pytest

from journal.embedded import EmbeddedLog
from journal.external import ExternalLog
from services.cli.named_log import NamedLog
from services.cli.region import Region, RegionError

THREE = ("nats://a:4222", "nats://b:4222", "nats://c:4222")
KEYS = Path("/keys")


def test_a_region_has_a_log_of_its_own_when_nothing_is_said(tmp_path: Path) -> None:
    region = NamedLog().in_region(Region(tmp_path), is_new=True)
    assert isinstance(region.log, EmbeddedLog)
    assert region.log.urls == ("nats://127.0.0.1:4222",)


@pytest.mark.parametrize(("urls", "asked", "copies"), [(THREE, None, 3), (THREE, 1, 1), (THREE[:1], None, 1)])
def test_three_servers_keep_three_copies(tmp_path: Path, urls: tuple[str, ...], asked: int | None, copies: int) -> None:
    region = NamedLog(urls, KEYS, asked).in_region(Region(tmp_path), is_new=True)
    assert isinstance(region.log, ExternalLog)
    assert (region.log.urls, region.log.replicas) == (urls, copies)
    assert region.log.control_seed == KEYS / "control.nk"
    assert region.log.host_seed("h") == KEYS / "host-h.nk"


def test_it_is_kept_for_the_next_start(tmp_path: Path) -> None:
    region = NamedLog(THREE, KEYS).in_region(Region(tmp_path), is_new=True)
    region.save()
    assert Region.load(tmp_path) == region
    assert NamedLog().in_region(region) == region
    moved = NamedLog(THREE[1:]).in_region(region)
    assert (moved.log.urls, moved.log.replicas) == (THREE[1:], 3)


def test_a_region_does_not_change_to_another_kind_of_log(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="has an event log of its own"):
        NamedLog(THREE, KEYS).in_region(Region(tmp_path))


@pytest.mark.parametrize(
    "log",
    [
        NamedLog(THREE),
        NamedLog(keys=KEYS),
        NamedLog(("http://a",), KEYS),
        NamedLog(("nats://user:secret@a",), KEYS),
        NamedLog(("nats://a:4222 ",), KEYS),
        NamedLog(replicas=3),
        NamedLog(THREE, KEYS, 2),
    ],
)
def test_what_names_no_log_is_refused(tmp_path: Path, log: NamedLog) -> None:
    with pytest.raises(RegionError, match="The event log cannot be used"):
        log.in_region(Region(tmp_path), is_new=True)


def test_it_is_handed_on_to_another_command() -> None:
    assert NamedLog(THREE, KEYS, 3).arguments() == [
        "--nats-url",
        ",".join(THREE),
        "--nats-keys",
        "/keys",
        "--replicas",
        "3",
    ]
    assert NamedLog().arguments() == []
