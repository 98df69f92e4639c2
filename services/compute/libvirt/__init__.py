"""Guests on QEMU, through a libvirt of this host's own."""
