"""The documents in docs/events/, generated from the registry: a schema for each event, an AsyncAPI document, and an index."""
