"""What a cluster can be made of, and what the configurations of its nodes say."""

from pathlib import Path

import pytest

from journal.cluster import Cluster, ClusterError, Node

NODES = tuple(Node(f"n{number}", f"10.0.0.{number}") for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("n1=10.0.0.1", Node("n1", "10.0.0.1")),
        ("n1=log-1.example.org:5222", Node("n1", "log-1.example.org", 5222)),
        ("n1=127.0.0.1:1:2:3", Node("n1", "127.0.0.1", 1, 2, 3)),
    ],
)
def test_a_node_is_named_with_its_place(text: str, node: Node) -> None:
    assert Node.parse(text) == node


@pytest.mark.parametrize("text", ["10.0.0.1", "n1=a:b", "n1=a:1:2:3:4", "n1=a:1.5"])
def test_what_names_no_node_is_refused(text: str) -> None:
    with pytest.raises(ClusterError, match="NAME="):
        Node.parse(text)


@pytest.mark.parametrize(
    "nodes",
    [
        NODES[:2],
        (*NODES[:2], Node("n1", "10.0.0.3")),
        (*NODES[:2], Node("n3", "10.0.0.1")),
        (*NODES[:2], Node("n3", "10.0.0.3", 4222, 4222)),
        (*NODES[:2], Node("n3", "10.0.0.3", 0)),
        (*NODES[:2], Node("n3; include x", "10.0.0.3")),
        (*NODES[:2], Node("n3", '10.0.0.3"')),
        (*NODES[:2], Node("n3", "")),
    ],
)
def test_nodes_that_cannot_run_together_are_refused(tmp_path: Path, nodes: tuple[Node, ...]) -> None:
    with pytest.raises(ClusterError):
        Cluster(tmp_path / "log", nodes).configure()
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    "settings", [{"sync_interval": "never"}, {"hosts": ("a b",)}, {"store": '/x"'}, {"store": "x"}]
)
def test_settings_that_would_break_a_configuration_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ClusterError):
        Cluster(tmp_path, NODES, **settings).configure()  # type: ignore[arg-type]


def test_what_was_configured_is_loaded_again(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, NODES, ("host-1",))
    cluster.configure()
    assert Cluster.load(tmp_path) == cluster
    assert Cluster.load(tmp_path / "elsewhere") is None
    (tmp_path / "cluster.json").write_text("{}")
    with pytest.raises(ClusterError, match="is damaged"):
        Cluster.load(tmp_path)


def test_nothing_listens_but_on_the_nodes_own_address_and_on_loopback(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, NODES)
    cluster.configure()
    config = cluster.config(NODES[1]).read_text()
    for line in (
        'host: "10.0.0.2"',
        'listen: "10.0.0.2:6222"',
        'http: "127.0.0.1:8222"',
        'authorization { user: chronova, password: "',
        "sync_interval: always",
    ):
        assert line in config
    assert "0.0.0.0" not in config.replace("10.0.0.", "")  # noqa: S104 -- that is the point


def test_every_cluster_has_a_password_of_its_own_for_its_routes(tmp_path: Path) -> None:
    assert Cluster(tmp_path, NODES).password != Cluster(tmp_path, NODES).password
    assert Cluster(tmp_path, NODES).password not in repr(Cluster(tmp_path, NODES))
