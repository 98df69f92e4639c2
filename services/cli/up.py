"""`chronova up`: starts a region, shows its first instance, and keeps it running."""

import asyncio
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from journal.accounts import write_private
from journal.errors import JournalError
from services.cli.clouds import DEMO
from services.cli.first_instance import FirstInstanceFailed, show_first_instance
from services.cli.named_log import NamedLog, require_keys
from services.cli.processes import StartFailed, running
from services.cli.region import Region, RegionError, make_directory, require_whole, this_host
from services.cli.signals import until_told
from services.cli.supervisor import SUPERVISOR, AlreadyRunning, locked, run_region
from services.cli.terminal import fail, heading, say
from services.compute.hypervisor import HypervisorError

log = logging.getLogger(__name__)

DETACHED_PATIENCE = 180.0  # seconds until a detached region must be ready


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line; None: as before, or the default."""

    data: Path
    api_port: int | None = None
    nats_port: int | None = None
    hypervisor: str | None = None
    hosts: int | None = None
    token_seconds: int | None = None
    keystone_url: str | None = None
    keystone_login: Path | None = None
    first_instance: bool = True
    log: NamedLog = field(default_factory=NamedLog)


def settle(options: Options) -> Region:
    """The region as it is to run, its settings kept for the next start. Raises RegionError."""
    known = Region.load(options.data)
    region = options.log.in_region(known or Region(data=options.data), is_new=known is None)
    if region.nats_urls and options.nats_port is not None:
        raise RegionError("--nats-port is of the region's own event log: this one uses another, with --nats-url.")
    if known and options.hypervisor and (options.hypervisor == "simulated") != known.is_simulated:
        raise RegionError(
            f"The region in {options.data} {'has simulated guests' if known.is_simulated else 'has real guests'}: "
            "start the other kind with another --data."
        )
    region = region.with_settings(
        api_port=options.api_port,
        nats_port=options.nats_port,
        hypervisor=options.hypervisor,
        token_seconds=options.token_seconds,
        keystone_url=options.keystone_url,
        session=os.urandom(8).hex(),
    )
    if region.is_simulated:
        if options.hosts is not None or not region.hosts:
            count = max(1, options.hosts or 1, len(region.hosts))
            region = region.with_settings(hosts=tuple(f"sim-{number}" for number in range(1, count + 1)))
        return region
    if options.hosts is not None:
        raise RegionError("--hosts is for simulated hosts only: add --hypervisor simulated.")
    return region.with_settings(hosts=region.hosts or (this_host(),), accelerator=_accelerator(region))


def keystone_login(region: Region, given: Path | None) -> bytes | None:
    """How the region logs in to its Keystone, where that is given. Raises RegionError when there is none and must be, OSError."""
    if region.keystone_url and not region.keystone_url.startswith(("http://", "https://")):
        raise RegionError(f"{region.keystone_url} is not the URL of a Keystone.")
    if given is None:
        if region.keystone_url and not region.keystone_login.exists():
            raise RegionError(
                "A Keystone needs to know who asks: give --keystone-login, the body of our login in a file."
            )
        return None
    content = given.read_bytes()
    try:
        right = isinstance(orjson.loads(content)["auth"]["identity"]["methods"], list)
    except (ValueError, KeyError, TypeError):
        right = False
    if not right:
        raise RegionError(f'{given} is not the body of a request for a token, as in {{"auth": {{"identity": …}}}}.')
    return content


def _accelerator(region: Region) -> str:
    from services.compute.libvirt.probe import choose_accelerator  # noqa: PLC0415 -- only for real guests

    if os.geteuid() != 0:
        raise RegionError("Real guests need root. Run as root, or try --hypervisor simulated.")
    try:
        accelerator, why = choose_accelerator(region.hypervisor)
    except HypervisorError as error:
        raise RegionError(str(error)) from error
    say(f"Guests run by {why}")
    return str(accelerator)


def up(options: Options, *, detach: bool) -> int:
    """Run `chronova up`; the exit code."""
    try:
        require_whole(options.data)
        make_directory(options.data)
        if detach:
            return _detached(options)
        with locked(Region(data=options.data)):
            region = settle(options)
            login = keystone_login(region, options.keystone_login)
            require_keys(region)
            region.save()
            if login is not None:
                region.keystone_login.parent.mkdir(exist_ok=True, mode=0o700)
                write_private(region.keystone_login, login)
            asyncio.run(until_told(_in_foreground(region, first_instance=options.first_instance)))
    except AlreadyRunning:
        return _already_running(options)
    except (RegionError, StartFailed, FirstInstanceFailed) as error:
        fail(str(error))
        return 1
    except OSError as error:
        fail(f"{error.strerror}: {error.filename}")
        return 1
    except BaseExceptionGroup as errors:
        fail("; ".join(str(error) for error in errors.exceptions))
        return 1
    return 0


async def _in_foreground(region: Region, *, first_instance: bool) -> None:
    began = time.perf_counter()
    ready = asyncio.Event()
    heading(f"Starting a region in {region.data}")
    running_region = asyncio.create_task(run_region(region, guest_image(region), ready.set), name="region")
    waiting = asyncio.create_task(ready.wait(), name="ready")
    try:
        await asyncio.wait([running_region, waiting], return_when=asyncio.FIRST_COMPLETED)
        if ready.is_set():
            say(f"The region takes requests at {region.api_url} after {time.perf_counter() - began:.1f} s.")
            (region.run / "ready").touch()
            if first_instance:
                await show(region)
                say("Press Ctrl-C to stop the region.")
        await running_region
    finally:
        (region.run / "ready").unlink(missing_ok=True)
        waiting.cancel()
        running_region.cancel()
        await asyncio.wait([running_region])
        say("The region is stopped.")


def guest_image(region: Region) -> Path | None:
    """The image file that `tiny` is made from on a first start. Raises RegionError where real guests have none."""
    named = os.environ.get("CHRONOVA_GUEST_IMAGE")
    if named and Path(named).exists():
        return Path(named)
    if region.is_simulated or (region.images / region.derived_id("image tiny")).exists():
        return None
    raise RegionError("There is no guest image. Run script/up, which builds it, or name one in CHRONOVA_GUEST_IMAGE.")


async def show(region: Region) -> None:
    """The first instance, and how to go on."""
    if region.keystone_url:
        say(f"Users and tokens are those of the Keystone at {region.keystone_url}.")
        return
    try:
        await show_first_instance(region)
    except (httpx.HTTPError, JournalError) as error:
        raise FirstInstanceFailed(f"The first instance could not be shown: {error!r}") from error
    heading("Go on with the stock client:")
    say(f"  export OS_CLIENT_CONFIG_FILE={shlex.quote(str(region.clouds_yaml))}")
    say(f"  openstack --os-cloud {DEMO} server list")


def _already_running(options: Options) -> int:
    region = Region.load(options.data)
    if region is None:
        fail(f"Another process is starting a region in {options.data}.")
        return 1
    pid = running(region.run / f"{SUPERVISOR}.pid")
    if pid is None:
        fail(f"Another command is using the region in {region.data}: try again when it has ended.")
        return 1
    asked = {name: getattr(options, name) for name in ("api_port", "nats_port", "hypervisor")}
    asked = {
        name: getattr(options, name)
        for name in ("api_port", "nats_port", "hypervisor", "token_seconds", "keystone_url")
    }
    differs = [name for name, value in asked.items() if value is not None and value != getattr(region, name)]
    if options.log.urls is not None and options.log.urls != region.nats_urls:
        differs.append("nats-url")
    if options.hosts is not None and options.hosts != len(region.hosts):
        differs.append("hosts")
    if differs:
        options_named = ", ".join(f"--{name.replace('_', '-')}" for name in differs)
        fail(
            f"The region in {region.data} is running with another {options_named}: end it first, with `chronova down`."
        )
        return 1
    heading(f"The region in {region.data} is already running (process {pid}), at {region.api_url}.")
    return _show_from_outside(region) if options.first_instance else 0


def _show_from_outside(region: Region) -> int:
    try:
        asyncio.run(show(region))
    except FirstInstanceFailed as error:
        fail(str(error))
        return 1
    return 0


def _detached(options: Options) -> int:
    """Start the region as a process of its own, show what it says until it is ready, then the first instance."""
    with locked(Region(data=options.data)):
        pass  # free: the new process takes it
    output = options.data / "logs" / f"{SUPERVISOR}.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    ready = options.data / "run" / "ready"
    ready.unlink(missing_ok=True)
    with output.open("ab") as file:
        began = file.tell()
        child = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "services.cli.main", "up", *_arguments(options), "--no-first-instance"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + DETACHED_PATIENCE
    while not ready.exists():
        began = _echo(output, began)
        if child.poll() is not None:
            _echo(output, began)
            return child.returncode or 1
        if time.monotonic() > deadline:
            fail(f"The region is not ready after {DETACHED_PATIENCE:.0f} s: see {output}.")
            return 1
        time.sleep(0.05)
    _echo(output, began)
    region = Region.load(options.data)
    if region is None or not options.first_instance:
        return 0
    return _show_from_outside(region)


def _echo(path: Path, since: int) -> int:
    """Show what was added to a file; where it ends now."""
    with path.open("rb") as file:
        file.seek(since)
        added = file.read()
    sys.stdout.write(added.decode(errors="replace"))
    sys.stdout.flush()
    return since + len(added)


def _arguments(options: Options) -> Sequence[str]:
    named = {
        "--data": options.data,
        "--api-port": options.api_port,
        "--nats-port": options.nats_port,
        "--hypervisor": options.hypervisor,
        "--hosts": options.hosts,
        "--token-seconds": options.token_seconds,
        "--keystone-url": options.keystone_url,
        "--keystone-login": options.keystone_login,
    }
    own = [part for option, value in named.items() if value is not None for part in (option, str(value))]
    return [*own, *options.log.arguments()]
