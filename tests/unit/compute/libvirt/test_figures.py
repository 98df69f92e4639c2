"""What libvirt's flat names of a guest's figures mean."""

from services.compute.diagnostics import CpuFigures, Diagnostics, DiskFigures, NicFigures
from services.compute.libvirt.accelerator import Accelerator
from services.compute.libvirt.figures import read_figures
from tests.unit.compute.libvirt.guests import GUEST, NIC

COUNTED = {
    "balloon.current": 131072,
    "balloon.maximum": 131072,
    "balloon.rss": 98304,
    "vcpu.current": 1,
    "vcpu.maximum": 1,
    "vcpu.0.state": 1,
    "vcpu.0.time": 7_120_000_000,
    "net.count": 1,
    "net.0.name": "vnet3",
    "net.0.rx.bytes": 10,
    "net.0.rx.pkts": 2,
    "net.0.rx.errs": 0,
    "net.0.rx.drop": 1,
    "net.0.tx.bytes": 30,
    "net.0.tx.pkts": 4,
    "net.0.tx.errs": 5,
    "net.0.tx.drop": 0,
    "block.count": 1,
    "block.0.name": "vda",
    "block.0.rd.reqs": 100,
    "block.0.rd.bytes": 409600,
    "block.0.wr.reqs": 7,
    "block.0.wr.bytes": 28672,
}


def test_each_figure_is_found_under_its_name() -> None:
    assert read_figures(COUNTED, GUEST, Accelerator.QEMU) == Diagnostics(
        hypervisor="qemu",
        memory_maximum=128,
        memory_used=96,
        cpus=(CpuFigures(7_120_000_000),),
        disks=(DiskFigures("vda", 409600, 100, 28672, 7),),
        nics=(NicFigures(NIC.mac, 10, 2, 0, 1, 30, 4, 5, 0),),
    )


def test_what_is_not_counted_is_nothing() -> None:
    assert read_figures({}, GUEST, Accelerator.QEMU) == Diagnostics("qemu", 0, 0, (), (), ())
