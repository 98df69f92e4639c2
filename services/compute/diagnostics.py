"""Diagnostics: figures of a running guest, as its hypervisor counts them. They cross the bus as JSON."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CpuFigures:
    """One virtual processor."""

    time: int  # nanoseconds that it ran


@dataclass(frozen=True, slots=True)
class DiskFigures:
    """One disk, since the guest was started."""

    device: str  # vda
    read_bytes: int
    read_requests: int
    write_bytes: int
    write_requests: int


@dataclass(frozen=True, slots=True)
class NicFigures:
    """One network card, since the guest was started."""

    mac: str
    rx_octets: int
    rx_packets: int
    rx_errors: int
    rx_drop: int
    tx_octets: int
    tx_packets: int
    tx_errors: int
    tx_drop: int


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """One guest."""

    hypervisor: str  # kvm | qemu | simulated
    memory_maximum: int  # MiB
    memory_used: int  # MiB that the guest takes of its host
    cpus: tuple[CpuFigures, ...]
    disks: tuple[DiskFigures, ...]
    nics: tuple[NicFigures, ...]
