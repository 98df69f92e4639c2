"""The scheduler: gives every requested instance a host and addresses, or says why there are none."""
