"""The commands that read the log, and take it elsewhere."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from domain.registry import AGGREGATES
from services.cli.log.moment import FORMATS, moment
from services.cli.options import data_option, json_option, told
from services.cli.signals import until_told
from services.cli.terminal import fail

Command = TypeVar("Command", bound=Callable[..., Any])

INTERRUPTED = 130  # exit code, as shells have it
OTHER_KINDS = sorted(AGGREGATES.keys() - {"instance", "host"})


class MomentType(click.ParamType[datetime | int]):
    """A time; with `positions`, a position in the log too."""

    name = "TIME"

    def __init__(self, *, positions: bool = False) -> None:
        self._positions = positions

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime | int:
        """From the command line."""
        if isinstance(value, datetime | int):
            return value
        if self._positions and value.isdecimal():
            return int(value)
        try:
            return moment(value, now=datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _run(command: Awaitable[None], *, resumes: bool = False, endless: bool = False) -> None:
    """Run a command until it has ended, or is told to, and exit."""

    def run() -> int:
        if uvloop.run(until_told(command)) or endless:
            return 0
        if resumes:
            fail("Told to end. What is done is kept: the same command goes on from there.")
        return INTERRUPTED

    sys.exit(told(run))


@click.command()
@data_option
@click.option("--instance", metavar="ID|NAME", default="", help="Only what happened to one instance.")
@click.option("--project", metavar="ID|NAME", default="", help="Only what happened to what one project owns.")
@click.option(
    "--related",
    is_flag=True,
    help="With them, what hosts and networks set aside for the instances. Reads the whole log.",
)
@click.option("--type", "pattern", metavar="GLOB", default="", help="Only these types: 'instance.*', '*failed*'.")
@click.option("--since", type=MomentType(), help=f"Only events of this time and younger: {FORMATS}.")
@click.option("--until", type=MomentType(), help="Only events of this time and older.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new events as they come, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the oldest.")
@click.option("--json", "as_json", is_flag=True, help="One CloudEvents object a line.")
def events(  # noqa: PLR0917 -- click names them all
    data: Path,
    instance: str,
    project: str,
    related: bool,
    pattern: str,
    since: datetime | None,
    until: datetime | None,
    follow: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print events, as they are in the log: time, position, who, what, of what, and its parts.

    Times are the events' own, in UTC. The region need not run, except to be followed.

    \b
    Examples:
      chronova events --since 10m
      chronova events --instance hello
      chronova events --instance 5b1c9c1e-6c1f-4a52-8a5e-0f5a4a0f7f1d --related
      chronova events --project demo --type 'instance.*' --since 2026-11-25 --until '2026-11-25 18:00'
      chronova events --follow --type '*failed*'
      chronova events --json | jq -r '[.time, .type, .subject] | @tsv'
    """
    if instance and project:
        raise click.UsageError("--instance and --project cannot be asked for together.")
    if related and not (instance or project):
        raise click.UsageError(
            "--related says what is set aside for instances: name them with --instance or --project."
        )
    if follow and until is not None:
        raise click.UsageError("--follow and --until cannot be asked for together.")
    from services.cli.log.events import EventsOptions  # noqa: PLC0415 -- keeps `chronova --help` quick
    from services.cli.log.events import events as run  # noqa: PLC0415

    options = EventsOptions(instance, project, related, pattern, since, until, follow, limit, as_json)
    _run(run(data.absolute(), options), endless=follow)


def of_other_kinds(command: Command) -> Command:
    """An option for every kind of aggregate that has none of its own."""
    for kind in reversed(OTHER_KINDS):
        command = click.option(f"--{kind}", metavar="ID")(command)
    return command


@click.command()
@data_option
@click.option("--instance", metavar="ID|NAME", help="The instance.")
@click.option("--host", metavar="NAME", help="Or a host; and so on.")
@of_other_kinds
@click.option(
    "--at",
    type=MomentType(positions=True),
    metavar="TIME|POSITION",
    help=f"When: a position in the log, or {FORMATS}.  [default: now]",
)
@json_option
def replay(data: Path, at: datetime | int | None, as_json: bool, **given: str | None) -> None:
    """Fold the state that something was in at a moment, and tell what has changed since.

    It is folded from the log alone, by the code that folds it always. Read models are not asked, except for the id of an
    instance that is given by name.

    \b
    Examples:
      chronova replay --instance hello
      chronova replay --instance hello --at 10m
      chronova replay --instance 5b1c9c1e-6c1f-4a52-8a5e-0f5a4a0f7f1d --at 2026-11-25T14:05:00Z
      chronova replay --host compute-1 --at 1200 --json
    """
    named = {kind: value for kind, value in given.items() if value}
    if len(named) != 1:
        raise click.UsageError(f"Name one of --instance, --host, {', '.join(f'--{kind}' for kind in OTHER_KINDS)}.")
    [(kind, value)] = named.items()
    from services.cli.log.replay import replay as run  # noqa: PLC0415

    _run(run(data.absolute(), kind, value, at, as_json=as_json))


@click.group()
def log() -> None:
    """Take the log of a region elsewhere, build the region again from it, or have a cluster keep it."""


FILE = click.Path(dir_okay=False, path_type=Path)


@log.command("export")
@data_option
@click.argument("file", type=FILE)
@click.option("--with-secrets", is_flag=True, help="Passwords and user data too. Whoever has the file has those.")
@json_option
def export(data: Path, file: Path, with_secrets: bool, as_json: bool) -> None:
    """Write the whole log into FILE, up to where it is now. The region may run, or not.

    What is being written is FILE.part until it is whole; an export that was cut short is gone on with by the same command.
    Never in it: the bytes of images, and the guests' own disks.

    \b
    Examples:
      chronova log export /backup/region.chronova
      chronova log export --with-secrets /vault/region.chronova
    """
    from services.cli.log.exporting import export as run  # noqa: PLC0415

    _run(run(data.absolute(), file.absolute(), with_secrets=with_secrets, as_json=as_json), resumes=True)


@log.command("import")
@data_option
@click.argument("file", type=FILE)
@json_option
def import_(data: Path, file: Path, as_json: bool) -> None:
    """Build a region from FILE, in a directory where there is none. `chronova up` then goes on with it.

    All of FILE is verified first. An import that was cut short is gone on with by the same command; until it is whole, the
    region cannot be started.

    \b
    Examples:
      chronova log import /backup/region.chronova
      chronova log import /backup/region.chronova --data /srv/restored
      chronova up --data /srv/restored
    """
    from services.cli.log.importing import import_log as run  # noqa: PLC0415

    _run(run(data.absolute(), file.absolute(), as_json=as_json), resumes=True)


@log.command("cluster-config")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="NAME=ADDRESS[:PORT[:ROUTE_PORT[:MONITOR_PORT]]]",
    help="A node to add, or to give another place. Ports are 4222, 6222 and 8222 where none are named.",
)
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="A compute host that may connect: it gets a key.")
@click.option("--without-host", "without_hosts", multiple=True, metavar="HOST", help="A host that no longer may.")
@click.option("--store", metavar="PATH", help="Where the log lies, on every node.  [default: /var/lib/chronova-log]")
@click.option(
    "--sync-interval", metavar="always|TIME", help="When a node has what it stores on its disk.  [default: always]"
)
@click.option("--tls-certificate", "certificate", metavar="PATH", help="The node's certificate, on every node.")
@click.option("--tls-key", "certificate_key", metavar="PATH", help="Its key, on every node.")
@click.option("--tls-authority", "authority", metavar="PATH", help="Who has signed them, on every node.")
def cluster_config(directory: Path, **changes: Any) -> None:
    """Write the keys and the configurations of a cluster of nats-servers, or change them.

    What is there already stays: keys are never made anew, and what is not named again is as before.

    \b
    Examples:
      chronova log cluster-config /etc/chronova/log --node n1=10.0.0.1 --node n2=10.0.0.2 --node n3=10.0.0.3
      chronova log cluster-config /etc/chronova/log --host compute-7
      chronova log cluster-config /etc/chronova/log --without-host compute-7
    """
    from services.cli.log.cluster_config import Changes  # noqa: PLC0415
    from services.cli.log.cluster_config import cluster_config as run  # noqa: PLC0415

    sys.exit(told(lambda: run(directory.absolute(), Changes(**changes))))
