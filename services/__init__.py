"""The processes of a region. They never import each other: they meet in the log."""
