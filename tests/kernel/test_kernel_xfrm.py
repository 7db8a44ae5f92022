"""What mipsh reads of a real Mobile IPv6 kernel's XFRM is what ``ip xfrm`` prints of it, line by line."""

from collections.abc import Iterator

import pytest
import xfrm_text
from kernel_nodes import CN, HA, MN, MN2, Nodes, between, bound, nodes, on_kernel, peer

from mipsh.linux import xfrm
from mipsh.model.xfrm import purpose

pytestmark = [pytest.mark.system, on_kernel]
LAID = {
    "mn": [*bound(MN, CN), *between(MN, MN2)],
    "mn2": between(MN2, MN),
    "cn": peer(CN, MN),
}
TRIES = 5
"""How often it is compared while packets of the kernel's own are counted between one reading and the other."""
SECRET = "00112233445566778899aabbccddeeff"
ESP = (
    f"src {MN.care_of} dst {HA} proto esp spi 0x100 reqid 14 mode tunnel replay-window 32 flag nopmtudisc "
    f"mark 0x7 mask 0xff auth-trunc hmac(sha256) 0x{SECRET} 128 enc cbc(aes) 0x{SECRET} "
    "limit byte-soft 1000000 limit packet-hard 5000 limit time-hard 3600"
)


@pytest.fixture(scope="module")
def built() -> Iterator[Nodes]:
    """Lay out the nodes, with all bindings, and an echo that the trigger tells of."""
    with nodes() as made, made.laid(LAID):
        made.netns.start("mn", "ping", "-6", "-c", "1", "-W", "5", "-I", MN.home, CN).wait(20)
        yield made


def compared(built: Nodes, name: str) -> bool:
    """Tell whether the tables of a node are as printed, which was a moment later."""
    found = built.netns.inside(name, xfrm.read)
    printed = {what: built.run(name, "ip", "-s", "xfrm", what) for what in ("state", "policy")}
    interfaces = built.interfaces(name)
    assert found.states and found.policies and not found.unread
    return xfrm_text.states(found.states, interfaces) == xfrm_text.without_keys(
        printed["state"]
    ) and xfrm_text.policies(found.policies, interfaces) == xfrm_text.without_keys(printed["policy"])


@pytest.mark.parametrize("name", ["mn", "mn2", "ha", "cn"])
def test_as_printed(built: Nodes, name: str) -> None:
    """Every state and every policy is there with everything that is printed of it, in the same order."""
    assert any(compared(built, name) for _ in range(TRIES))


def test_every_policy_has_its_purpose(built: Nodes) -> None:
    """All those that mip6d would have made are called by name."""
    for name in ("mn", "ha", "cn"):
        found = built.netns.inside(name, xfrm.read)
        assert [row for row in found.policies if not purpose(row)] == []


def test_the_kernel_counts(built: Nodes) -> None:
    """A state that carried an echo has carried it, and when."""
    found = built.netns.inside("mn", xfrm.read)
    (used,) = [row for row in found.states if (row.source, row.destination) == (MN.home, CN)]
    assert used.use.packets >= 1 and used.last_used is not None
    assert used.care_of_address == MN.care_of


def test_ipsec_without_its_keys(built: Nodes) -> None:
    """With marks, limits, ports, an interface and algorithms, and with nothing of the keys."""
    built.run("mn", "ip", "xfrm", "state", "add", *ESP.split())
    try:
        found = built.netns.inside("mn", xfrm.read)
        printed = built.run("mn", "ip", "-s", "xfrm", "state")
    finally:
        built.run("mn", "ip", "xfrm", "state", "delete", *ESP.split()[:8], "mark", "0x7", "mask", "0xff")
    (esp,) = [row for row in found.states if row.protocol == 50]
    assert SECRET in printed and SECRET not in repr(found)
    assert set(esp.algorithms) == {"auth", "auth-trunc", "enc"}
    assert (esp.reqid, esp.mode, esp.replay_window) == (14, 1, 32)
    assert (esp.lifetimes.bytes, esp.lifetimes.packets) == ((1_000_000, None), (None, 5000))
    assert esp.lifetimes.added_s == (0, 3600)


def test_as_typed(built: Nodes) -> None:
    """The command shows as many states and policies as there are."""
    status, rows = built.mipsh("mn", "xfrm")
    kinds = [row["object"] for row in rows]
    printed = built.run("mn", "ip", "xfrm", "state"), built.run("mn", "ip", "xfrm", "policy")
    counts = [sum(line.startswith("src ") for line in text.splitlines()) for text in printed]
    assert ([kinds.count("state"), kinds.count("policy")], status) == (counts, 0)
