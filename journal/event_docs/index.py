"""The index: every event in one table, as people read it."""

from collections.abc import Iterable

from domain.evolution import EventVersion
from journal.authority import Source, may_append
from journal.event_docs.remarks import class_remark

HEAD = """# Events

Everything that can stand in the log: the type and version of each event, what it says, and which service may append it. An
event is a message on `evt.<aggregate>.<id>`, its envelope in headers (CloudEvents 1.0), its parts as JSON in the body; the type
links to the body's schema. [`asyncapi.json`](asyncapi.json) says the same to tools. Why versions can be read for ever:
[ADR 0009](../decisions/0009-evolution.md).

Generated from the registry by `script/event-docs`; a test fails when it is out of date.
"""

TABLE = """
## {kind}

| type | what it says | appended by |
|---|---|---|
"""


def index(events: Iterable[EventVersion]) -> str:
    """The page, in Markdown."""
    by_kind: dict[str, list[EventVersion]] = {}
    for known in events:
        by_kind.setdefault(known.kind, []).append(known)
    return HEAD + "".join(
        TABLE.format(kind=kind) + "".join(_row(known) for known in by_kind[kind]) for kind in sorted(by_kind)
    )


def _row(known: EventVersion) -> str:
    sources = ", ".join(f"`{source}`" for source in Source if may_append(known.topic, source)) or "nobody yet"
    by = sources if known.is_current else f"nobody since version {known.version + 1}; before: {sources}"
    says = class_remark(known.shape).replace("|", "\\|")
    return f"| [`{known.topic}`]({known.topic}.json) | {says} | {by} |\n"
