"""The image and all that may happen to it, a behaviour a file."""
