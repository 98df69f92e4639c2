"""The HTTP API: identity, compute, image and network, in the shapes that OpenStack's clients know."""
