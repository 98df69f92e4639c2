"""The conductor: the only door from compute hosts into the log, and the repairer of what a crash left half done."""
