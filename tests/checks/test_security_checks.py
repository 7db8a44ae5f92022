"""Who can harm a node, each condition in every verdict."""

from typing import Any

from given import cannot, engine, policy, state, verdicts
from given import given as facts

from mipsh.checks.sources import Configuration, Setting
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

HOA, COA, AGENT = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1"


def configuration(**options: str) -> Configuration:
    """Return mip6d.conf with some options."""
    return Configuration("mip6d.conf", tuple(Setting(name, (value,)) for name, value in options.items()))


def binding() -> BindingCacheEntry:
    """Return a home registration."""
    return BindingCacheEntry(HOA, COA, "registered", local_address=AGENT)


def test_binding_updates_that_nobody_protected() -> None:
    """A policy of the type main, inbound, with ESP that is not optional, for this home address."""
    known: dict[str, Any] = {"engine": engine("ha"), "bc": (binding(),)}
    ends = f"{HOA}/128", f"{AGENT}/128"
    esp = ("esp transport reqid 3",)
    good = policy("in", *ends, proto="mh", ptype="main", templates=esp)
    assert verdicts("MIP-601", facts("ha", XP=(good,), **known)) == {HOA: "PASS"}
    for bad in (
        policy("out", *ends, proto="mh", ptype="main", templates=esp),
        policy("in", *ends, proto="mh", ptype="sub", templates=esp),
        policy("in", "2001:db8:7::1/128", f"{AGENT}/128", proto="mh", ptype="main", templates=esp),
        policy("in", *ends, proto="mh", ptype="main", templates=("esp transport reqid 3 use",)),
        policy("in", *ends, proto="icmpv6", ptype="main", templates=esp),
    ):
        assert verdicts("MIP-601", facts("ha", XP=(bad,), **known)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-601", facts("ha", XP=(), engine=engine("ha"), bc=())) == {"": "N/A"}
    assert verdicts("MIP-601", facts("ha", XP=cannot("XP"), **known)) == {"": "UNKNOWN"}
    assert verdicts("MIP-601", facts("mn", XP=())) == {"": "N/A"}


def test_forged_errors() -> None:
    """Protected by IPsec, which is the default, or discarded."""
    plain = configuration(UseMnHaIPsec="disabled")
    assert verdicts("MIP-602", facts("mn", CF=configuration())) == {"": "PASS"}
    assert verdicts("MIP-602", facts("mn", CF=plain)) == {"": "AFFECTED"}
    discarding = configuration(UseMnHaIPsec="disabled", MnDiscardHaParamProb="enabled")
    assert verdicts("MIP-602", facts("mn", CF=discarding)) == {"": "PASS"}
    assert verdicts("MIP-602", facts("mn")) == {"": "UNKNOWN"}
    assert verdicts("MIP-602", facts("ha", CF=plain)) == {"": "N/A"}


def test_weak_algorithms() -> None:
    """By their names; states of mobility have none."""
    good = state("esp", HOA, AGENT, algorithms={"encryption": "cbc(aes)", "authentication": "hmac(sha256)"})
    weak = state("esp", HOA, AGENT, spi=7, algorithms={"encryption": "cbc(des3_ede)"})
    found = verdicts("MIP-603", facts("mn", XS=(good, weak, state("hao"))))
    assert list(found.values()) == ["PASS", "AFFECTED"]
    assert verdicts("MIP-603", facts("mn", XS=(state("hao"),))) == {"": "N/A"}
    assert verdicts("MIP-603", facts("mn", XS=cannot("XS"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-603", facts("", XS=(weak,))) == {"": "N/A"}


def test_tables_that_grow() -> None:
    """Of a thousand entries and one, one is too many."""
    rows = tuple(BindingUpdateListEntry(HOA, COA, f"2001:db8:4::{n:x}", "correspondent") for n in range(1, 1002))
    assert verdicts("MIP-604", facts("mn", engine=engine("mn"), bul=rows[1:])) == {"binding_update_list": "PASS"}
    assert verdicts("MIP-604", facts("mn", engine=engine("mn"), bul=rows)) == {"binding_update_list": "LIKELY"}
    assert verdicts("MIP-604", facts("cn", engine=engine("cn"), bc=())) == {"binding_cache": "PASS"}
    assert verdicts("MIP-604", facts("cn", engine=engine("cn"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-604", facts("ha", engine=engine("ha"), bc=())) == {"": "N/A"}
