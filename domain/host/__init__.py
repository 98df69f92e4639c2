"""The compute host: what it has, whether it may be used, and who claimed what of it."""
