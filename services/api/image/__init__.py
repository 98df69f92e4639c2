"""The image API, v2, as Glance answers it."""
