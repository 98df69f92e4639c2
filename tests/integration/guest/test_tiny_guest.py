"""The tiny guest, built and booted for real by QEMU's own emulation, without libvirt."""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pycdlib
import pytest

ROOT = Path(__file__).parents[3]
BANNER = "Chronova tiny guest on "
BOOT_SECONDS = 90  # six on an idle core; the rest is for a machine that is busy with other things
UUID = "5f7c1c2e-8f55-4a86-9d3a-5b6f3c0a7a11"


@pytest.fixture(scope="session")
def image() -> Path:
    """The image as the scripts in this tree make it, from the cache if it was made before."""
    built = subprocess.run([ROOT / "script/guest/build"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(built.stdout.splitlines()[-1])


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private ssh key."""
    path = tmp_path / "key"
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", path], check=True, capture_output=True)
    return path


def public_half(key: Path) -> str:
    shown = subprocess.run(["dropbearkey", "-y", "-f", key], check=True, capture_output=True, text=True).stdout
    return next(line for line in shown.splitlines() if line.startswith("ssh-"))


def metadata(**fields: Any) -> str:
    """A metadata document with values that look like keys, and the keys in no useful order."""
    decoys = {"meta": {"hostname": "decoy", "uuid": "decoy", "note": 'say "hostname": "decoy"'}}
    return json.dumps(decoys | {"launch_index": 0, "hostname": "vm1.novalocal", "uuid": UUID, "devices": []} | fields)


def config_drive(path: Path, files: dict[str, str]) -> Path:
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, vol_ident="config-2", rock_ridge="1.09", joliet=3)
    iso.add_directory("/OPENSTACK", rr_name="openstack", joliet_path="/openstack")
    iso.add_directory("/OPENSTACK/LATEST", rr_name="latest", joliet_path="/openstack/latest")
    for number, (name, text) in enumerate(files.items()):
        content = text.encode()
        iso.add_fp(
            BytesIO(content),
            len(content),
            f"/OPENSTACK/LATEST/F{number}.;1",
            rr_name=name,
            joliet_path=f"/openstack/latest/{name}",
        )
    iso.write(str(path))
    iso.close()
    return path


def drive(path: Path) -> list[str]:
    return ["-drive", f"file={path},if=virtio,format=raw,readonly=on"]


def card(*settings: str) -> list[str]:
    return ["-netdev", ",".join(["user", "id=net0", *settings]), "-device", "virtio-net-pci,netdev=net0,romfile="]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Guest:
    """A running guest: what its serial console has shown so far, and its power button."""

    def __init__(self, process: asyncio.subprocess.Process, qmp: Path) -> None:
        self.process = process
        self.console = ""
        self._qmp = qmp

    async def shows(self, text: str, *, times: int = 1, within: float = BOOT_SECONDS) -> None:
        """Wait until the console has shown the text so many times."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(within):
                while self.console.count(text) < times:
                    chunk = await self.process.stdout.read(4096)
                    assert chunk, f"the guest ended before it showed {text!r}:\n{self.console}"
                    self.console += chunk.decode(errors="replace").replace("\r", "")
        except TimeoutError:
            pytest.fail(f"not within {within} s: {text!r} {times} time(s) on the console:\n{self.console}")

    async def press_power_button(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._qmp)
        await reader.readline()  # its greeting
        for command in ("qmp_capabilities", "system_powerdown"):
            writer.write(json.dumps({"execute": command}).encode())
            while "return" not in json.loads(await reader.readline()):
                pass  # events may come before the answer
        writer.close()

    async def powers_off(self) -> None:
        """Press the power button and wait until the machine is off by its own doing."""
        await self.press_power_button()
        await self.shows("tiny: power button pressed", within=30)
        remains, _ = await asyncio.wait_for(self.process.communicate(), 30)
        self.console += remains.decode(errors="replace").replace("\r", "")
        assert self.process.returncode == 0


@asynccontextmanager
async def boot(image: Path, directory: Path, devices: Sequence[str] = ()) -> AsyncIterator[Guest]:
    disk = directory / "disk.qcow2"
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image), "-F", "qcow2", str(disk)]
    await asyncio.to_thread(subprocess.run, overlay, check=True)
    qmp = directory / "qmp"
    process = await asyncio.create_subprocess_exec(
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-accel", "tcg", "-cpu", "max", "-m", "128"),
        *("-serial", "stdio", "-qmp", f"unix:{qmp},server=on,wait=off"),
        *("-drive", f"file={disk},if=virtio,format=qcow2", *devices),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Guest(process, qmp)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ssh(key: Path, port: int, home: Path, command: str) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of a command in the guest."""
    client = await asyncio.create_subprocess_exec(
        *("dbclient", "-y", "-i", key, "-p", str(port), "root@127.0.0.1", command),
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complaints = await client.communicate()
    finally:
        if client.returncode is None:
            client.kill()
    return client.returncode or 0, said, complaints


async def test_becomes_what_its_config_drive_says(image: Path, tmp_path: Path, key: Path) -> None:
    iso = config_drive(
        tmp_path / "config.iso",
        {
            "meta_data.json": metadata(
                public_keys={"mine": public_half(key) + "\n", "other": "ssh-ed25519 AAAA of \\me"}
            ),
            "user_data": "#!/bin/sh\necho sum: $((40 + 2))\n",
        },
    )
    port = free_port()
    async with boot(image, tmp_path, drive(iso) + card("restrict=on", f"hostfwd=tcp:127.0.0.1:{port}-:22")) as guest:
        await guest.shows("tiny: metadata from config drive /dev/vdb")
        await guest.shows("tiny: ready ip=10.0.2.15 hostname=vm1 ")
        await guest.shows(BANNER)
        await guest.shows("vm1 login: ")
        await guest.shows("tiny: user data ended with status 0")
        assert f"uuid {UUID}, ssh keys 2\n" in guest.console
        assert "user-data: sum: 42\n" in guest.console

        # The port is QEMU's and answers at once; the guest's ssh server may only just be starting behind it.
        async with asyncio.timeout(60):
            code, said, complaints = 1, b"", b""
            while code != 0:
                code, said, complaints = await ssh(key, port, tmp_path, "hostname; cat .ssh/authorized_keys")
        assert said.decode().splitlines() == ["vm1", public_half(key), "ssh-ed25519 AAAA of \\me"], complaints.decode()

        await guest.powers_off()


async def test_user_data_runs_once_even_if_it_reboots_the_machine(image: Path, tmp_path: Path) -> None:
    files = {"meta_data.json": metadata(), "user_data": "#!/bin/sh\necho once only > /dev/console\nreboot\n"}
    async with boot(image, tmp_path, drive(config_drive(tmp_path / "config.iso", files))) as guest:
        await guest.shows("tiny: ready ip=none hostname=vm1 ", times=2)
        await guest.powers_off()
        assert guest.console.count("once only") == 1
        assert "ssh keys 0\n" in guest.console


async def test_asks_the_metadata_service_where_there_is_no_config_drive(image: Path, tmp_path: Path) -> None:
    latest = tmp_path / "www/openstack/latest"
    latest.mkdir(parents=True)
    (latest / "meta_data.json").write_text(metadata(hostname="from-http", public_keys={}))
    (latest / "user_data").write_text("#!/bin/sh\necho hello\nexit 3\n")
    network = ("net=169.254.0.0/16", "host=169.254.0.2", "dhcpstart=169.254.0.15", "restrict=on")
    service = f"guestfwd=tcp:169.254.169.254:80-cmd:busybox httpd -i -h {tmp_path / 'www'}"
    async with boot(image, tmp_path, card(*network, service)) as guest:
        await guest.shows("tiny: ready ip=169.254.0.15 hostname=from-http ")
        await guest.shows("tiny: user data ended with status 3")
        assert "tiny: metadata from metadata service" in guest.console
        assert "user-data: hello\n" in guest.console


async def test_reaches_the_login_prompt_with_nothing_around_it(image: Path, tmp_path: Path) -> None:
    async with boot(image, tmp_path) as guest:
        await guest.shows("tiny login: ")
        assert BANNER in guest.console
        assert "tiny: no metadata\n" in guest.console
        assert "tiny: ready ip=none hostname=tiny " in guest.console


def read_json(text: str, key: str) -> tuple[int, list[str]]:
    """The guest's JSON reader's exit status and lines."""
    reader = ["busybox", "awk", "-v", f"key={key}", "-f", str(ROOT / "script/guest/rootfs/lib/tiny/json.awk")]
    done = subprocess.run(reader, input=text, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ({"wanted": "plain"}, ["plain"]),
        ({"other": {"wanted": "nested"}, "wanted": "after"}, ["after"]),
        ({"wanted": "before", "other": [{"wanted": "nested"}]}, ["before"]),
        ({"other": '"wanted": "quoted"', "wanted": "x"}, ["x"]),
        ({"wanted": {"a": "one\n", "b{": "t]w,o"}, "other": "no"}, ["one", "", "t]w,o"]),
        ({"wanted": 'back\\slash "quote" caf\u00e9 \U0001f600 /'}, ['back\\slash "quote" caf\u00e9 \U0001f600 /']),
        ({"wanted": [1, True, None, {}, [], "s"]}, ["1", "true", "null", "s"]),
        ({"wanted": "x" * 5000}, ["x" * 5000]),
        ({"other": 1}, []),
    ],
)
def test_its_json_reader_finds_a_key(document: dict[str, Any], shown: list[str], indent: int | None) -> None:
    for ascii_only in (True, False):
        text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
        assert read_json(text, "wanted") == (0, shown)


@pytest.mark.parametrize("text", ['{"wanted": "no end', '{"wanted": 1', '{"wanted": $}', '{"wanted": "\\u12'])
def test_its_json_reader_refuses_what_is_no_json(text: str) -> None:
    assert read_json(text, "other")[0] == 1
