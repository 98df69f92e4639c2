"""The `chronova` command."""

import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import uvloop

from services.cli.log.commands import events, log, replay
from services.cli.named_log import NamedLog, log_options
from services.cli.options import data_option, json_option, told
from services.cli.region import HYPERVISORS, TOKEN_SECONDS, Region, existing
from services.cli.signals import until_told


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="chronova")
def main() -> None:
    """Chronova: a compute service whose every instance is a stream of events.

    \b
    Examples:
      chronova up                          start a region here, and boot a first instance
      chronova up --hypervisor simulated --hosts 3
      chronova status
      chronova events --follow             read the log
      chronova down
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("httpx", "httpcore", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@main.command()
@data_option
@click.option("--api-port", type=click.IntRange(1, 65535), help="Where the API answers, on loopback.  [default: 8774]")
@click.option(
    "--nats-port", type=click.IntRange(1, 65535), help="Where the event log answers, on loopback.  [default: 4222]"
)
@click.option(
    "--hypervisor",
    type=click.Choice(HYPERVISORS),
    help="auto: KVM where a probe boot shows that it works, else QEMU's emulation.  [default: auto]",
)
@click.option("--hosts", type=click.IntRange(1, 1000), help="How many hosts to simulate (with --hypervisor simulated).")
@click.option("--token-seconds", type=click.IntRange(*TOKEN_SECONDS), help="How long a token lives.  [default: 43200]")
@click.option(
    "--keystone-url", metavar="URL", help="Use this Keystone for users and tokens; our own identity API is off."
)
@click.option(
    "--keystone-login",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the body of POST /v3/auth/tokens by which the region logs in there, in the role service.",
)
@click.option("--detach", is_flag=True, help="Leave the region running in the background; end it with `chronova down`.")
@click.option("--first-instance/--no-first-instance", default=True, help="Boot and show the instance `hello`.")
@log_options
def up(
    *,
    data: Path,
    api_port: int | None,
    nats_port: int | None,
    hypervisor: str | None,
    hosts: int | None,
    token_seconds: int | None,
    keystone_url: str | None,
    keystone_login: Path | None,
    detach: bool,
    first_instance: bool,
    log: NamedLog,
) -> None:
    """Start a region: the event log, the control plane, and this machine as its compute host.

    Settings are kept in the data directory and need not be given again. Two regions with different directories and ports
    can run side by side.

    \b
    Examples:
      chronova up --detach
      chronova up --data /srv/second --api-port 9774 --nats-port 5222
      chronova up --keystone-url https://keystone.example.org:5000 --keystone-login login.json
      chronova up --nats-url nats://10.0.0.1,nats://10.0.0.2,nats://10.0.0.3 --nats-keys /etc/chronova/log/keys
    """
    from services.cli.up import Options  # noqa: PLC0415 -- keeps `chronova --help` quick
    from services.cli.up import up as run  # noqa: PLC0415

    options = Options(
        data.absolute(),
        api_port,
        nats_port,
        hypervisor,
        hosts,
        token_seconds,
        keystone_url,
        keystone_login,
        first_instance,
        log,
    )
    sys.exit(run(options, detach=detach))


@main.command()
@data_option
def down(data: Path) -> None:
    """End a region: its guests are powered off, and nothing stays but its data.

    \b
    Example:
      chronova down
    """
    from services.cli.down import down as run  # noqa: PLC0415

    sys.exit(told(lambda: run(data.absolute())))


@main.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Tell what runs. The exit code is 0 when everything does.

    \b
    Example:
      chronova status --json
    """
    from services.cli.status import status as run  # noqa: PLC0415

    sys.exit(told(lambda: run(data.absolute(), as_json=as_json)))


@main.group()
def audit() -> None:
    """Check what is recorded."""


@audit.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, one line.")
@click.option(
    "--expect",
    metavar="POSITION:DIGEST",
    help="What an earlier audit printed: nothing up to there may be different now.",
)
@click.option("--without-read-model", is_flag=True, help="Check the log alone.")
def verify(data: Path, as_json: bool, expect: str | None, without_read_model: bool) -> None:
    """Check the whole log, and the read model against it.

    Folds every event again from the first, and checks that none is missing, changed, moved or forged: positions, versions,
    the chain of hashes, who may append what, and the schema of every event. Then compares the read model, row by row, with
    what a replay of the log makes. The exit code is 1 when something is wrong, and the first thing that is wrong is printed.

    \b
    Examples:
      chronova audit verify
      chronova audit verify --json
      chronova audit verify --expect 5120:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """
    from services.cli.audit import audit_verify  # noqa: PLC0415

    sys.exit(
        told(
            lambda: audit_verify(
                data.absolute(), as_json=as_json, expected=expect, with_read_model=not without_read_model
            )
        )
    )


def _service(
    name: str, help_text: str, run: Callable[[], Callable[[Region], Awaitable[None]]], *, hidden: bool = False
) -> None:
    @main.command(name, help=f"{help_text} Runs in the foreground; `chronova up` runs it for you.", hidden=hidden)
    @data_option
    @log_options
    def command(*, data: Path, log: NamedLog) -> None:
        sys.exit(told(lambda: _run(data.absolute(), log, run())))


def _run(data: Path, log: NamedLog, service: Callable[[Region], Awaitable[None]]) -> int:
    uvloop.run(until_told(service(log.in_region(existing(data)))))
    return 0


def _plane(name: str) -> Callable[[Region], Awaitable[None]]:
    from services.cli import control_plane  # noqa: PLC0415

    return control_plane.run_control_plane if name == "control-plane" else control_plane.one_service(name)


def _agents() -> Callable[[Region], Awaitable[None]]:
    from services.cli.agents import run_agents  # noqa: PLC0415

    return run_agents


_service("api", "The HTTP API.", lambda: _plane("api"))
_service("scheduler", "The scheduler.", lambda: _plane("scheduler"))
_service("conductor", "The conductor.", lambda: _plane("conductor"))
_service("projector", "The projections: read model and desired states.", lambda: _plane("projector"))
_service("control-plane", "All services of the control plane.", lambda: _plane("control-plane"), hidden=True)
for command in (events, replay, log):
    main.add_command(command)
_service("agent", "This machine's compute agent.", _agents)


if __name__ == "__main__":
    main()
