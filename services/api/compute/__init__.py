"""The compute API, v2.1 with microversions, as Nova answers it."""
