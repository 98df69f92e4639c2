"""The export: a whole log in one file, compressed, checksummed, and described in docs/operations/export-format.md."""
