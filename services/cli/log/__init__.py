"""What operators and auditors do with a region's log: read it, go back in it, take it elsewhere."""
