"""`chronova log cluster-config`: the keys and the configurations of a cluster that an operator runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from journal.cluster import Certificates, Cluster, ClusterError, Node
from services.cli.terminal import say


@dataclass(frozen=True, slots=True)
class Changes:
    """What the cluster is to be made of, or to have changed; None: as before, or the default."""

    nodes: Sequence[str] = ()
    hosts: Sequence[str] = ()
    without_hosts: Sequence[str] = ()
    store: str | None = None
    sync_interval: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    authority: str | None = None


def cluster_config(directory: Path, changes: Changes) -> int:
    """Write them; the exit code. Raises ClusterError, OSError."""
    known = Cluster.load(directory)
    cluster = changed(known or Cluster(directory, ()), changes)
    cluster.configure()
    for host in changes.without_hosts:
        cluster.keys.host(host).unlink(missing_ok=True)
    _tell(cluster, is_new=known is None)
    return 0


def changed(cluster: Cluster, changes: Changes) -> Cluster:
    """The cluster with nodes and hosts added, or replaced by those of the same name. Raises ClusterError."""
    nodes = {node.name: node for node in cluster.nodes}
    nodes |= {node.name: node for node in map(Node.parse, changes.nodes)}
    unknown = sorted({*changes.without_hosts} - {*cluster.hosts})
    if unknown:
        raise ClusterError(f"The cluster knows no host {', '.join(unknown)}.")
    hosts = {*cluster.hosts, *changes.hosts} - {*changes.without_hosts}
    return replace(
        cluster,
        nodes=tuple(nodes.values()),
        hosts=tuple(sorted(hosts)),
        store=changes.store or cluster.store,
        sync_interval=changes.sync_interval or cluster.sync_interval,
        certificates=_certificates(changes) or cluster.certificates,
    )


def _certificates(changes: Changes) -> Certificates | None:
    named = [path for path in (changes.certificate, changes.certificate_key, changes.authority) if path]
    if not named:
        return None
    try:
        return Certificates(*named)
    except TypeError:
        raise ClusterError("TLS takes all three: a certificate, its key, and the authority that signed it.") from None


def _tell(cluster: Cluster, *, is_new: bool) -> None:
    say(f"The cluster in {cluster.directory} has {len(cluster.nodes)} nodes and {len(cluster.hosts)} hosts.")
    for node in cluster.nodes:
        say(f"  {node.name}: nats-server --config {cluster.config(node).name}   at {cluster.url(node)}")
    say(f"  keys: {cluster.keys.directory}")
    if is_new:
        say(
            "Copy each configuration to its node and start the servers; give the control plane its key, and hosts theirs."
        )
    else:
        say("Copy each configuration to its node, and send the running servers the signal HUP: they take it over.")
