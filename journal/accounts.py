"""Who may say what on the bus: two NATS accounts, and what a host may do in its own (ADR 0004).

JetStream and the control plane live in CORE, compute hosts in COMPUTE. Permissions inside one account are not enough: the
server does not check reply subjects, so a host could have an answer stored as an event. Across accounts an answer lands in
the host's own account, where there is no stream.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import nkeys

from journal.streams import host_consumer

EXPORTS = (
    '{service: "rpt.>"}',
    '{service: "hb.*"}',
    '{service: "$JS.API.CONSUMER.MSG.NEXT.WORK.*", response: stream}',
    '{service: "$JS.ACK.WORK.>"}',
)
IMPORTS = ("rpt.>", "hb.*", "$JS.API.CONSUMER.MSG.NEXT.WORK.*", "$JS.ACK.WORK.>")


def inbox_prefix(host: str) -> str:
    """Where a host's answers come: the only subjects, besides questions to it, that it may listen to."""
    return f"_INBOX_{host}"


def host_permissions(host: str) -> dict[str, object]:
    """All that a host may do."""
    return {
        "publish": {
            "allow": [
                f"rpt.{host}.>",
                f"hb.{host}",
                f"$JS.API.CONSUMER.MSG.NEXT.WORK.{host_consumer(host)}",
                f"$JS.ACK.WORK.{host_consumer(host)}.>",
            ]
        },
        "subscribe": {"allow": [f"{inbox_prefix(host)}.>", f"ask.{host}.>"]},
        "allow_responses": {"max": 1, "expires": "1m"},
    }


def accounts_config(control: str, hosts: Mapping[str, str], *, system: str | None = None) -> str:
    """The accounts part of a server's configuration, from public keys: the control plane's, and each host's by name.

    `system` is the key of whoever may ask the servers themselves how they are, and take one out of a cluster.
    """
    users = ",\n      ".join(
        f"{{nkey: {key}, permissions: {json.dumps(host_permissions(host))}}}" for host, key in sorted(hosts.items())
    )
    imports = ",\n      ".join(f'{{service: {{account: CORE, subject: "{subject}"}}}}' for subject in IMPORTS)
    exports = ",\n      ".join(EXPORTS)
    operations = "" if system is None else f"SYS {{ users: [ {{nkey: {system}}} ] }}\n  "
    return f"""
{"" if system is None else "system_account: SYS"}
accounts {{
  {operations}CORE {{
    jetstream: enabled
    users: [ {{nkey: {control}}} ]
    exports: [
      {exports}
    ]
    imports: [ {{service: {{account: COMPUTE, subject: "ask.>"}}}} ]
  }}
  COMPUTE {{
    users: [
      {users}
    ]
    imports: [
      {imports}
    ]
    exports: [ {{service: "ask.>"}} ]
  }}
}}
"""


def ensure_key(path: Path) -> str:
    """The public key of the seed in a file; a new seed, readable by its owner alone, when there is none."""
    if not path.exists():
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, bytes(seed))
    pair = nkeys.from_seed(bytearray(path.read_bytes().strip()))
    return str(pair.public_key.decode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
