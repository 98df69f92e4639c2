"""Placement: which host an instance should go to, and why. Pure functions over what is known of the hosts."""
