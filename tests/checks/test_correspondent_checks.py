"""What a correspondent node has of its peers, each condition in every verdict."""

from given import cannot, engine, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks
from mipsh.model.records import BindingCacheEntry, Counter

HOA, COA, OWN = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"


def binding(left_s: int | None, status: str = "cached") -> BindingCacheEntry:
    """Return an entry of the binding cache."""
    return BindingCacheEntry(HOA, COA, status, lifetime_remaining_s=left_s, local_address=OWN)


def test_bindings_that_end_unused() -> None:
    """In the last two seconds, and where nothing used them."""
    cn = engine("cn")
    used = state("route2", OWN, HOA, coa=COA, used=1_700_000_000)
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(binding(60),), XS=())) == {HOA: "PASS"}
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(binding(2),), XS=())) == {HOA: "AFFECTED"}
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(binding(2),), XS=(used,))) == {HOA: "PASS"}
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(binding(None),), XS=())) == {HOA: "UNKNOWN"}
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(), XS=())) == {"": "N/A"}
    assert verdicts("MIP-471", facts("cn", engine=cn, bc=(), XS=cannot("XS"))) == {"": "UNKNOWN"}


def test_nonces_that_are_held() -> None:
    """By design, and told as what they are."""
    cn = engine("cn")
    assert verdicts("MIP-472", facts("cn", engine=cn, bc=(binding(100, "nonce-block"),))) == {HOA: "AFFECTED"}
    assert verdicts("MIP-472", facts("cn", engine=cn, bc=(binding(60),))) == {"": "PASS"}
    assert verdicts("MIP-472", facts("cn", engine=cn)) == {"": "UNKNOWN"}
    assert verdicts("MIP-472", facts("mn", engine=engine("mn"), bc=())) == {"": "N/A"}


def at(seconds: float, errors: int | None, earlier: Facts | None = None) -> Facts:
    """Return a correspondent that had sent so many Binding Errors."""
    count = Counter("sent", "binding_errors", errors, errors is not None)
    clocks = Clocks(1_700_000_000 + seconds, seconds)
    return facts("cn", earlier, engine=engine("cn"), stats=(count,), CK=clocks)


def test_binding_errors_on_and_on() -> None:
    """Only what rises counts, however many there were."""
    assert verdicts("MIP-473", at(5, 40, at(0, 40))) == {"": "PASS"}
    assert verdicts("MIP-473", at(5, 43, at(0, 40))) == {"": "AFFECTED"}
    assert verdicts("MIP-473", at(5, 0, at(0, 40))) == {"": "LIKELY"}
    assert verdicts("MIP-473", at(5, None, at(0, None))) == {"": "UNKNOWN"}
    assert verdicts("MIP-473", at(5, 40)) == {"": "UNKNOWN"}
    assert verdicts("MIP-473", facts("mn", engine=engine("mn"))) == {"": "N/A"}
