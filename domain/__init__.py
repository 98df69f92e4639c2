"""The domain: what may happen to instances, hosts and what they need. Pure: no I/O, no clock, no randomness of its own."""
