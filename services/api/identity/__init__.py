"""The identity API, v3, as Keystone answers it."""
