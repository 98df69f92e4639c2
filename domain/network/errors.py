"""Why networks refuse. The network API names these types to its clients."""

from domain.errors import Conflict, Invalid


class NetworkInUse(Conflict):
    """The network has ports."""


class SubnetInUse(Conflict):
    """Addresses of the subnet are given."""


class SubnetExists(Conflict):
    """The network has its subnet already."""


class PortInUse(Conflict):
    """The port is an instance's."""


class AddressTaken(Conflict):
    """The address that was asked for by name is another port's."""


class AddressOutside(Invalid):
    """The address that was asked for by name is none that the subnet can give."""


class MacTaken(Conflict):
    """The hardware address that was asked for by name is another port's."""
