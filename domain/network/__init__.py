"""The network: its subnet, its ports and the ledger of its addresses, a behaviour a file."""
