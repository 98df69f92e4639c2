"""How events are shown."""

import orjson

from journal.stored import Stored
from services.cli.log.shown import cloud_event, line, summary

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "01",
    "ce-type": "chronova.instance.stopped.v1",
    "ce-source": "chronova/conductor",
    "ce-subject": "instance/i",
    "ce-time": "2026-01-02T03:04:05Z",
    "ce-sequence": "4",
    "ce-actor": "user:7",
    "ce-requestid": "req-1",
    "ce-causationid": "00",
    "ce-previoushash": "ab",
    "content-type": "application/json",
    "Nats-Expected-Last-Subject-Sequence": "3",
}


def event(body: bytes = b'{"timestamp":"2026-01-02T03:04:05Z","reason":"guest"}', **headers: str) -> Stored:
    return Stored.made_of(17, "evt.instance.i", {**HEADERS, **headers}, body)


def test_a_line_says_when_where_who_what_and_why() -> None:
    assert line(event(), {"user:7": "user:ada"}).split() == [
        "2026-01-02T03:04:05.000000Z",
        "17",
        "user:ada",
        "instance.stopped",
        "instance/i",
        "reason=guest",
    ]


def test_as_json_it_is_a_cloud_event_with_its_position() -> None:
    assert orjson.loads(cloud_event(event())) == {
        "specversion": "1.0",
        "id": "01",
        "type": "chronova.instance.stopped.v1",
        "source": "chronova/conductor",
        "subject": "instance/i",
        "time": "2026-01-02T03:04:05Z",
        "sequence": "4",
        "actor": "user:7",
        "requestid": "req-1",
        "causationid": "00",
        "previoushash": "ab",
        "datacontenttype": "application/json",
        "position": 17,
        "data": {"timestamp": "2026-01-02T03:04:05Z", "reason": "guest"},
    }


def test_a_strangers_text_cannot_command_the_terminal() -> None:
    shown = line(event(b'{"name":"a\\u001b[31mred\\u0007\\u009b2J\\u202e"}', **{"ce-actor": "user:\x1b]0;x"}), {})
    assert shown.isprintable()
    assert "name=a\\x1b[31mred\\x07\\x9b2J\\u202e" in shown


def test_what_cannot_be_read_is_shown_all_the_same() -> None:
    assert summary(b"\xff") == "(its body cannot be read)"
    assert orjson.loads(cloud_event(event(b"\xff")))["data"] == "\ufffd"
    bare = Stored.made_of(3, "evt.x.y", {}, b"{}")
    assert line(bare, {}).startswith("?")
    assert orjson.loads(cloud_event(bare))["position"] == 3


def test_a_long_part_is_cut() -> None:
    assert len(summary(orjson.dumps({"reason": "x" * 500}))) < 80
