"""The instance and all that may happen to it, a behaviour a file."""
