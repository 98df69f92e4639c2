"""Chronova's own API, v1: what no OpenStack service has."""
