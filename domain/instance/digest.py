"""The digest of what a host's agent holds: equal digests mean that nothing was lost on the way."""

import hashlib
from collections.abc import Mapping


def digest_of(generations: Mapping[str, int]) -> str:
    """The digest of instance → generation, the same in whatever order they come."""
    text = "\n".join(f"{instance_id} {generation}" for instance_id, generation in sorted(generations.items()))
    return hashlib.sha256(text.encode()).hexdigest()
