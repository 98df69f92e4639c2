"""The compute agent: one per host, and the only part that touches a hypervisor."""
