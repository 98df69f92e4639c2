"""Runs `tempest.api.compute` against a region with two simulated hosts, and holds the outcome against what is known.

    script/tempest                       everything
    script/tempest test_servers          tests whose name matches a regular expression
    script/tempest --list                the known failures, with their reasons

A test that fails and is not known to (known-failures.txt) makes the exit code 1; so does one that is known to fail and passes:
the list says what is true. Tempest makes its own users and projects, by the identity API.
"""

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.cli.clouds import ADMIN, passwords
from services.cli.region import Region
from tests.integration.conftest import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TEMPEST = ROOT / ".venv-tempest" / "bin" / "tempest"
KNOWN = HERE / "known-failures.txt"
HOSTS = 2
CONCURRENCY = 2
LINE = re.compile(r"^\{\d+\} (?P<test>\S+?)(?:\[[^\]]*\])?(?: \S*)? \[[\d.]+s\] \.\.\. (?P<outcome>ok|FAILED|SKIPPED)")
CLASS_LINE = re.compile(r"^\{\d+\} setUpClass \((?P<test>[\w.]+)\) \[[\d.]+s\] \.\.\. (?P<outcome>FAILED|SKIPPED)")


@dataclass(frozen=True)
class Cloud:
    """A region, and what Tempest must be told of it."""

    region: Region
    image: str
    other_image: str
    network: str


def chronova(*arguments: str, check: bool = True) -> None:
    """Run our own command."""
    subprocess.run([sys.executable, "-m", "services.cli.main", *arguments], check=check, cwd=ROOT, stdout=sys.stderr)


class Admin:
    """The administrator, as far as Tempest needs things made before it begins."""

    def __init__(self, region: Region) -> None:
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": passwords(region.clouds_yaml)[ADMIN]}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": domain}}
        self.http = httpx.Client(base_url=region.api_url, timeout=30)
        answer = self.http.post("/identity/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
        answer.raise_for_status()
        self.http.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]

    def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return self.http.get(path).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of a POST."""
        return self.http.post(path, json=body).raise_for_status().json()

    def second_image(self) -> str:
        """Another public image with the bytes of the first: Tempest rebuilds with it."""
        first = self.get("/image/v2/images")["images"][0]
        fields = {
            "name": "tiny-2",
            "disk_format": first["disk_format"],
            "container_format": "bare",
            "visibility": "public",
        }
        made = self.post("/image/v2/images", fields)
        content = self.http.get(f"/image/v2/images/{first['id']}/file").raise_for_status().content
        headers = {"Content-Type": "application/octet-stream"}
        self.http.put(f"/image/v2/images/{made['id']}/file", content=content, headers=headers).raise_for_status()
        return str(made["id"])

    def flavors(self) -> None:
        """The two flavors of the configuration."""
        for name, number, ram in (("m1.nano", "42", 64), ("m1.micro", "84", 128)):
            self.post("/v2.1/flavors", {"flavor": {"name": name, "id": number, "ram": ram, "vcpus": 1, "disk": 1}})


def prepare(region: Region) -> Cloud:
    """Make what the configuration names."""
    admin = Admin(region)
    admin.flavors()
    image = str(admin.get("/image/v2/images")["images"][0]["id"])
    network = str(admin.get("/network/v2.0/networks")["networks"][0]["name"])
    other = admin.second_image()
    admin.http.close()
    return Cloud(region, image, other, network)


def configuration(cloud: Cloud) -> configparser.ConfigParser:
    """What Tempest is told."""
    url = cloud.region.api_url
    config = configparser.ConfigParser(interpolation=None)
    config.read(HERE / "tempest.conf")
    config["auth"]["admin_password"] = passwords(cloud.region.clouds_yaml)[ADMIN]
    config["identity"]["uri_v3"] = f"{url}/identity/v3"
    config["compute"].update(
        {
            "image_ref": cloud.image,
            "image_ref_alt": cloud.other_image,
            "fixed_network_name": cloud.network,
            "min_compute_nodes": str(HOSTS),
        }
    )
    return config


def run(workspace: Path, pattern: str, concurrency: int, output: Path) -> None:
    """Run Tempest; what it prints goes to a file, and its progress to the terminal."""
    environment = {**os.environ, "TEMPEST_CONFIG_DIR": str(workspace / "etc"), "PYTHONWARNINGS": "ignore"}
    command = [str(TEMPEST), "run", "--regex", pattern, "--concurrency", str(concurrency)]
    began, counts = time.monotonic(), Counter[str]()
    with (
        output.open("w") as file,
        subprocess.Popen(
            command, cwd=workspace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if match := LINE.match(line):
                counts[match["outcome"]] += 1
                if sum(counts.values()) % 50 == 0:
                    print(f"  {time.monotonic() - began:5.0f} s  {dict(counts)}", file=sys.stderr)


def outcomes(output: Path) -> dict[str, str]:
    """Test → ok, FAILED or SKIPPED. A class that could not be set up counts as one test."""
    found: dict[str, str] = {}
    for line in output.read_text().splitlines():
        if match := LINE.match(line) or CLASS_LINE.match(line):
            found[match["test"].removeprefix("tempest.api.compute.")] = match["outcome"]
    return found


def known_failures() -> dict[str, str]:
    """Test → why it fails."""
    lines = (line.strip() for line in KNOWN.read_text().splitlines())
    pairs = (line.partition("  # ") for line in lines if line and not line.startswith("#"))
    return {test.strip(): reason.strip() for test, _, reason in pairs}


def report(found: Mapping[str, str], known: Mapping[str, str], *, whole: bool) -> int:
    """Print it; the exit code."""
    modules: dict[str, Counter[str]] = {}
    for test, outcome in found.items():
        modules.setdefault(".".join(test.split(".")[:-2]), Counter())[outcome] += 1
    print(f"{'module':<58} {'passed':>6} {'failed':>6} {'skipped':>7}")
    for module, counts in sorted(modules.items()):
        print(f"{module:<58} {counts['ok']:>6} {counts['FAILED']:>6} {counts['SKIPPED']:>7}")
    failed = {test for test, outcome in found.items() if outcome == "FAILED"}
    unknown = sorted(failed - known.keys())
    mended = sorted(test for test in known if found.get(test) == "ok")
    for test in unknown:
        print(f"FAILED, and not known to: {test}")
    for test in mended:
        print(f"passes, and is listed as a known failure: {test}")
    counts = Counter(found.values())
    print(f"Passed: {counts['ok']}\nFailed: {counts['FAILED']}\nSkipped: {counts['SKIPPED']}")
    if whole and not counts["ok"]:
        print("nothing has passed: see the output above")
        return 1
    return 1 if unknown or mended else 0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description="Run tempest.api.compute against a region of its own.")
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression; all tests without it")
    parser.add_argument("--list", action="store_true", help="only print the known failures, with their reasons")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help=f"workers (default {CONCURRENCY})")
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path, help="where Tempest's output and logs are kept")
    options = parser.parse_args()
    known = known_failures()
    if options.list:
        print("\n".join(f"{test}  # {reason}" for test, reason in known.items()))
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="chronova-tempest-"))
    data = scratch / "region"
    api, nats = free_port(), free_port()
    up = ["up", "--detach", "--data", str(data), "--api-port", str(api), "--nats-port", str(nats)]
    output = (options.keep or scratch) / "output.txt"
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        chronova(*up, "--hypervisor", "simulated", "--hosts", str(HOSTS), "--no-first-instance")
        region = Region.load(data)
        assert region is not None
        workspace = scratch / "workspace"
        subprocess.run([TEMPEST, "init", str(workspace)], check=True, stdout=subprocess.DEVNULL)
        with (workspace / "etc" / "tempest.conf").open("w") as file:
            configuration(prepare(region)).write(file)
        run(workspace, rf"^tempest\.api\.compute\..*{options.pattern}", options.concurrency, output)
        if options.keep:
            shutil.copytree(region.logs, options.keep / "logs", dirs_exist_ok=True)
            shutil.copy(workspace / "tempest.log", options.keep) if (workspace / "tempest.log").exists() else None
        return report(outcomes(output), known, whole=not options.pattern)
    finally:
        chronova("down", "--data", str(data), check=False)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
