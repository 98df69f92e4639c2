"""The `chronova` command: runs a region, or one of its services, and shows what it does."""
