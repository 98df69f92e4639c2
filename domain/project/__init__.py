"""The project: what it may use, and what of that is taken. Identity knows it by name: `domain/identity.py`."""
