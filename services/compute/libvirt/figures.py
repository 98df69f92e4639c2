"""A guest's figures, as libvirt counts them. Source: libvirt's `virConnectGetAllDomainStats`."""

from collections.abc import Mapping
from typing import Any

import libvirt

from domain.instance.desired import GuestSpec
from services.compute.diagnostics import CpuFigures, Diagnostics, DiskFigures, NicFigures
from services.compute.hypervisor import HypervisorError
from services.compute.libvirt import domains
from services.compute.libvirt.accelerator import Accelerator

KIB_IN_MIB = 1024
WANTED = (
    libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
)


def diagnostics_of(connection: Any, spec: GuestSpec, accelerator: Accelerator) -> Diagnostics:
    """The figures of a guest. In a libvirt thread. Raises libvirtError, HypervisorError when the guest is not there."""
    domain = domains.find(connection, spec.id)
    if domain is None:
        raise HypervisorError(f"There is no guest {spec.id} on this host.")
    ((_, counted),) = connection.domainListGetStats([domain], WANTED)
    return read_figures(counted, spec, accelerator)


def read_figures(counted: Mapping[str, Any], spec: GuestSpec, accelerator: Accelerator) -> Diagnostics:
    """What libvirt's flat names mean. What it did not count is 0."""

    def of(name: str) -> int:
        return int(counted.get(name, 0))

    return Diagnostics(
        hypervisor=str(accelerator),
        memory_maximum=of("balloon.maximum") // KIB_IN_MIB,
        memory_used=of("balloon.rss") // KIB_IN_MIB,
        cpus=tuple(CpuFigures(of(f"vcpu.{number}.time")) for number in range(of("vcpu.current"))),
        disks=tuple(
            DiskFigures(
                device=str(counted[f"block.{number}.name"]),
                read_bytes=of(f"block.{number}.rd.bytes"),
                read_requests=of(f"block.{number}.rd.reqs"),
                write_bytes=of(f"block.{number}.wr.bytes"),
                write_requests=of(f"block.{number}.wr.reqs"),
            )
            for number in range(of("block.count"))
        ),
        # Cards are counted in the order in which the guest has them.
        nics=tuple(
            NicFigures(
                mac=nic.mac,
                rx_octets=of(f"net.{number}.rx.bytes"),
                rx_packets=of(f"net.{number}.rx.pkts"),
                rx_errors=of(f"net.{number}.rx.errs"),
                rx_drop=of(f"net.{number}.rx.drop"),
                tx_octets=of(f"net.{number}.tx.bytes"),
                tx_packets=of(f"net.{number}.tx.pkts"),
                tx_errors=of(f"net.{number}.tx.errs"),
                tx_drop=of(f"net.{number}.tx.drop"),
            )
            for number, nic in enumerate(spec.nics[: of("net.count")])
        ),
    )
