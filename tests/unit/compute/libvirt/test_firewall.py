"""Which of libvirt's chains may go."""

from services.compute.libvirt.firewall import removal

EMPTY = """-P INPUT ACCEPT
-P FORWARD DROP
-N DOCKER-USER
-N LIBVIRT_FWI
-N LIBVIRT_INP
-A INPUT -j LIBVIRT_INP
-A FORWARD -j DOCKER-USER
-A FORWARD -j LIBVIRT_FWI
-A DOCKER-USER -j RETURN
""".splitlines()


def test_empty_chains_go_after_the_jumps_to_them_and_nobody_elses() -> None:
    assert removal(EMPTY) == [
        ("-D", "INPUT", "-j", "LIBVIRT_INP"),
        ("-D", "FORWARD", "-j", "LIBVIRT_FWI"),
        ("-X", "LIBVIRT_FWI"),
        ("-X", "LIBVIRT_INP"),
    ]


def test_nothing_goes_while_one_of_them_holds_a_rule() -> None:
    assert removal([*EMPTY, "-A LIBVIRT_INP -i virbr0 -p udp -j ACCEPT"]) == []


def test_a_table_without_them_is_left_alone() -> None:
    assert removal(["-P INPUT ACCEPT", "-A INPUT -j ACCEPT"]) == []
