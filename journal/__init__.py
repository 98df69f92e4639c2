"""The journal: the append-only event log on NATS JetStream, and how it is written, read and followed."""
