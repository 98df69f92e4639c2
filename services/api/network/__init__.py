"""The network API, v2.0, as Neutron answers it."""
