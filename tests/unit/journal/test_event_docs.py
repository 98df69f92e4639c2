"""docs/events/ is what the registry says, and says nothing else about events that were written."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from domain.aggregate import EVENT_TYPES
from domain.host.host import HostEvent
from domain.registry import AGGREGATES, KNOWN
from journal.authority import Source, may_append
from journal.event_docs.asyncapi import ENVELOPE
from journal.event_docs.documents import COMMAND, documents, out_of_date, refusals, write
from journal.event_docs.schemas import documented_schema, shape_of
from journal.event_schema import body_schema
from tests.samples.kept import Kept
from tests.unit.domain.ages import first_age, third_age
from tests.unit.journal.asyncapi_3 import DOCUMENT
from tests.unit.passing import passing_events

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "events"
KEPT = Kept()


def read(path: Path) -> Any:
    return json.loads(path.read_text())


ASYNCAPI = read(DOCS / "asyncapi.json")


# ── what is in the repository ────────────────────────────────────────────────────────────────────────────────────────


def test_the_documents_are_up_to_date() -> None:
    assert list(refusals(DOCS)) == []
    assert out_of_date(DOCS) == [], f"run {COMMAND}"


def test_every_document_is_of_an_event_that_there_is() -> None:
    assert {path.name for path in DOCS.iterdir()} == documents().keys()


@pytest.mark.parametrize("topic", KEPT.topics())
def test_a_sample_is_as_the_schema_and_the_envelope_in_the_documents_say(topic: str) -> None:
    sample = KEPT.stored_event(topic)
    Draft202012Validator(read(DOCS / f"{topic}.json")).validate(json.loads(sample.body))
    Draft202012Validator(ENVELOPE).validate(dict(sample.headers))
    Draft202012Validator(resolved(ASYNCAPI["components"]["messages"][topic]["headers"])).validate(dict(sample.headers))


@pytest.mark.parametrize("topic", KNOWN)
def test_remarks_do_not_change_what_a_schema_allows(topic: str) -> None:
    schema = read(DOCS / f"{topic}.json")
    Draft202012Validator.check_schema(schema)
    assert shape_of(schema) == shape_of(body_schema(KNOWN[topic]))
    assert schema["properties"].keys() == body_schema(KNOWN[topic])["properties"].keys()


def test_a_part_is_described_by_the_comment_behind_it() -> None:
    created = read(DOCS / "chronova.flavor.created.v1.json")
    uploaded = read(DOCS / "chronova.image.uploaded.v1.json")
    assert created["description"] == "An operator offers a new size."
    assert created["properties"]["ram"]["description"] == "MiB"  # said at the aggregate
    assert uploaded["properties"]["checksum"]["description"] == "SHA-512, hex"  # said at the event
    assert "description" not in created["properties"]["name"]


# ── AsyncAPI ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def target(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    node = read(DOCS / file) if file else ASYNCAPI
    for step in pointer.split("/")[1:]:
        node = node[step]
    return node


def resolved(node: Any) -> Any:
    if isinstance(node, dict):
        return (
            resolved(target(node["$ref"])) if "$ref" in node else {name: resolved(each) for name, each in node.items()}
        )
    return [resolved(each) for each in node] if isinstance(node, list) else node


def test_the_document_is_asyncapi() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    Draft202012Validator(DOCUMENT).validate(ASYNCAPI)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(ASYNCAPI))
    assert {f"./{topic}.json" for topic in KNOWN} <= found
    assert all(isinstance(target(reference), dict) for reference in found)


def test_every_schema_in_it_is_one() -> None:
    for message in ASYNCAPI["components"]["messages"].values():
        Draft202012Validator.check_schema(resolved(message["headers"]))
        Draft202012Validator.check_schema(resolved(message["payload"]["schema"]))


def test_a_channel_is_the_subject_of_an_aggregate_and_has_all_its_events() -> None:
    assert ASYNCAPI["channels"].keys() == AGGREGATES.keys()
    for kind, channel in ASYNCAPI["channels"].items():
        assert channel["address"] == f"evt.{kind}.{{id}}"
        assert re.findall(r"\{(\w+)\}", channel["address"]) == list(channel["parameters"])
        assert set(channel["messages"]) == {topic for topic, known in KNOWN.items() if known.kind == kind}


def test_an_operation_is_what_a_service_may_append() -> None:
    found = set()
    for operation in ASYNCAPI["operations"].values():
        source = Source(operation["title"].removesuffix(" appends"))
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
            found.add((source, message["$ref"].rpartition("/")[2]))
    assert found == {(source, topic) for source in Source for topic in EVENT_TYPES if may_append(topic, source)}


# ── when an event changes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DOCS, tmp_path / "events"))


def declare_painted() -> None:
    class HostPainted(HostEvent):
        """Somebody painted it."""

        TOPIC: ClassVar[str] = "chronova.host.painted.v1"

        colour: str


@pytest.mark.usefixtures("passing")
def test_a_new_event_makes_the_documents_out_of_date_until_they_are_written(copy: Path) -> None:
    declare_painted()
    changed = ["README.md", "asyncapi.json", "chronova.host.painted.v1.json"]
    assert list(refusals(copy)) == []
    assert sorted(out_of_date(copy)) == changed
    assert sorted(write(copy)) == changed
    assert out_of_date(copy) == []
    assert "| Somebody painted it. | nobody yet |" in (copy / "README.md").read_text()


def test_a_document_that_was_edited_is_out_of_date(copy: Path) -> None:
    (copy / "README.md").write_text("# Events")
    assert out_of_date(copy) == ["README.md"]


def test_an_event_that_was_written_cannot_be_taken_back(copy: Path) -> None:
    (copy / "chronova.host.painted.v1.json").write_text("{}")
    assert list(refusals(copy)) == [
        "chronova.host.painted.v1 was written once and must be read for ever, but no event class declares it."
    ]


@pytest.mark.parametrize(
    ("part", "before"),
    [("reason", {"type": "string"}), ("colour", {"type": "string"}), ("timestamp", {"type": "integer"})],
)
def test_the_parts_of_a_version_that_was_written_cannot_change(copy: Path, part: str, before: Any) -> None:
    path = copy / "chronova.host.disabled.v1.json"
    schema = read(path)
    schema["properties"][part] = before
    path.write_text(json.dumps(schema))
    (refusal,) = refusals(copy)
    assert refusal.startswith(
        "chronova.host.disabled.v1 has other parts than before, and the log holds events with those"
    )


def test_what_is_said_of_a_part_may_change(copy: Path) -> None:
    path = copy / "chronova.host.disabled.v1.json"
    schema = read(path)
    schema["description"] = schema["properties"]["reason"]["description"] = "Other words."
    path.write_text(json.dumps(schema))
    assert list(refusals(copy)) == []
    assert write(copy) == ["chronova.host.disabled.v1.json"]


@pytest.mark.usefixtures("passing")
def test_an_old_version_keeps_its_schema_when_the_class_goes_on() -> None:
    third_age()
    old, newest = (documented_schema(KNOWN[f"chronova.shelf.built.v{version}"]) for version in (1, 3))
    assert old["description"] == "A shelf was built, to the metre."
    assert old["properties"]["width"] == {"type": "integer", "description": "in metres"}
    assert newest["description"] == "A shelf was built."
    assert "width" not in newest["properties"]
    page = documents()["README.md"]
    assert "| A shelf was built, to the metre. | nobody since version 2; before: nobody yet |" in page


def test_a_version_becomes_old_with_the_parts_that_it_had(tmp_path: Path) -> None:
    with passing_events():
        first_age()
        write(tmp_path)
    with passing_events():
        third_age()
        assert list(refusals(tmp_path)) == []
    with passing_events():
        third_age()
        KNOWN["chronova.shelf.built.v1"].shape.__annotations__["width"] = float
        (refusal,) = refusals(tmp_path)
        assert refusal.startswith("chronova.shelf.built.v1 has other parts than before")


def test_shapes_are_compared_down_to_parts_that_are_named_like_remarks() -> None:
    part = {"type": "object", "properties": {"description": {"type": "string", "description": "words"}}}
    assert shape_of(part) == {"type": "object", "properties": {"description": {"type": "string"}}}


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "journal.event_docs", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_checks_and_writes(copy: Path) -> None:
    assert run("--check", "--directory", str(copy)).returncode == 0
    (copy / "README.md").unlink()
    done = run("--check", "--directory", str(copy))
    assert (done.returncode, done.stderr) == (1, f"README.md is out of date: run {COMMAND}\n")
    done = run("--directory", str(copy))
    assert (done.returncode, done.stdout) == (0, "wrote README.md\n")
    assert run("--check", "--directory", str(copy)).returncode == 0


def test_the_command_writes_nothing_that_would_change_the_past(copy: Path) -> None:
    (copy / "chronova.host.painted.v1.json").write_text("{}")
    (copy / "README.md").unlink()
    done = run("--directory", str(copy))
    assert done.returncode == 1
    assert "chronova.host.painted.v1 was written once" in done.stderr
    assert not (copy / "README.md").exists()
