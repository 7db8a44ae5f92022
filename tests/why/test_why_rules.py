"""Each rule of a prediction in a table of cases: what is known, which way follows, and which step decides."""

from typing import Any

import pytest
from why_world import (
    CN,
    COA,
    ESP,
    HA,
    HAO,
    HOA,
    PEER,
    PEER_AT,
    ROUTE2,
    TRIGGER,
    Everywhere,
    answers,
    cached,
    facts,
    half,
    home,
    peer,
    policy,
    rule,
    state,
    template,
    umip,
)

from mipsh.model.xfrm import Tables
from mipsh.why.facts import KERNEL, UMIP, Facts, Lookup
from mipsh.why.predict import predict, sentence
from mipsh.why.proof import compare
from mipsh.why.steps import Answer, Headers, Way

NOWHERE = Lookup("unreachable")
LINK = Lookup("unicast", "eth0", "fe80::1", source=HOA)
BY_LIST, MARK, ROUTE = "binding at the peer?", "peer not marked as without Mobile IPv6?", "route there?"
HERE, AT_HOME, IN_FORCE = "binding of the host here?", "at home?", "home registration in force?"
POLICY, SOURCE = "XFRM policy for it?", "home address as source?"
AWAITED = home("waiting_for_ack", None, ack="wait")

MIPD_CASES: dict[str, tuple[Facts, Way, str, bool]] = {
    "nothing with the peer": (facts(), Way.TUNNEL, BY_LIST, True),
    "bound": (facts(updates=(home(), peer())), Way.RO, BY_LIST, True),
    "bound, tested anew": (facts(updates=(home(), peer("return_routability"))), Way.RO, BY_LIST, True),
    "bound, renewal awaited": (facts(updates=(home(), peer("waiting_for_ack"))), Way.RO, BY_LIST, True),
    "tests run": (facts(updates=(home(), peer("return_routability", None))), Way.TUNNEL, BY_LIST, True),
    "acknowledgement awaited": (facts(updates=(home(), peer("waiting_for_ack", None))), Way.TUNNEL, BY_LIST, True),
    "bound no more": (facts(updates=(home(), peer("bound", 0))), Way.TUNNEL, BY_LIST, True),
    "not mobile": (facts(updates=(home(), peer("not_mobile", 300))), Way.TUNNEL, MARK, True),
    "another's entry": (facts(updates=(home(), peer(host=PEER))), Way.TUNNEL, BY_LIST, True),
    "the home agent": (facts(HA), Way.RO, "host is the home agent?", True),
    "home registration renewed, or moved": (facts(updates=(home("waiting_for_ack", 9),)), Way.UNKNOWN, IN_FORCE, False),
    "home registration awaited": (facts(updates=(AWAITED,)), Way.UNKNOWN, IN_FORCE, False),
    "home agent refuses": (facts(updates=(home("not_mobile", None),)), Way.NONE, IN_FORCE, True),
    "returning home": (
        facts(updates=(home("waiting_for_ack", None, lifetime_granted_s=0),)),
        Way.UNKNOWN,
        AT_HOME,
        False,
    ),
    "at home": (facts(updates=(), addresses=(HOA, "2001:db8:1::7")), Way.DIRECT, AT_HOME, True),
    "at home, to a mobile node": (
        facts(PEER, updates=(), addresses=(HOA, "2001:db8:1::7"), cache=(cached(),)),
        Way.RO,
        HERE,
        True,
    ),
    "away without an entry": (facts(updates=()), Way.UNKNOWN, IN_FORCE, False),
    "attached nowhere": (facts(updates=(), addresses=(HOA,)), Way.UNKNOWN, AT_HOME, False),
    "addresses not seen": (facts(updates=(), addresses=None), Way.UNKNOWN, AT_HOME, False),
    "no route": (facts(lookups=Everywhere(NOWHERE)), Way.NONE, ROUTE, True),
    "route not looked up": (facts(lookups={}), Way.TUNNEL, BY_LIST, False),
    "care-of address as source": (facts(source=COA), Way.DIRECT, HERE, True),
    "foreign source": (facts(source=PEER), Way.NONE, SOURCE, True),
    "no home address known": (facts(updates=(), home_addresses=(), lookups={}), Way.UNKNOWN, SOURCE, False),
    "two home addresses": (facts(home_addresses=(HOA, PEER), lookups={}), Way.TUNNEL, BY_LIST, False),
    "correspondent with a binding": (
        facts(PEER, role="cn", updates=None, home_addresses=(), source=CN, addresses=(CN,), cache=(cached(own=CN),)),
        Way.RO,
        HERE,
        True,
    ),
    "correspondent without": (
        facts(PEER, role="cn", updates=None, home_addresses=(), source=CN, addresses=(CN,)),
        Way.DIRECT,
        HERE,
        True,
    ),
    "binding that ended": (
        facts(
            PEER,
            role="cn",
            updates=None,
            home_addresses=(),
            source=CN,
            addresses=(CN,),
            cache=(cached(status="nonce-block", own=CN),),
        ),
        Way.DIRECT,
        HERE,
        True,
    ),
    "binding that expired": (
        facts(
            PEER,
            role="cn",
            updates=None,
            home_addresses=(),
            source=CN,
            addresses=(CN,),
            cache=(cached(left_s=-1, own=CN),),
        ),
        Way.DIRECT,
        HERE,
        True,
    ),
    "home agent to its mobile node": (
        facts(
            PEER,
            role="ha",
            updates=None,
            home_addresses=(),
            source=HA,
            addresses=(HA,),
            cache=(cached(status="registered", own=HA),),
        ),
        Way.RO,
        HERE,
        True,
    ),
    "cache that cannot be read": (
        facts(PEER, role="cn", updates=None, home_addresses=(), source=CN, addresses=(CN,), cache=None),
        Way.DIRECT,
        HERE,
        False,
    ),
}

TO_CN = policy(15, HOA, CN, template(HAO, HOA, CN))
TO_PEER = policy(16, HOA, PEER, template(ROUTE2))
BOTH_MOBILE = policy(14, HOA, PEER, template(ROUTE2), template(HAO, HOA, PEER))
ROUTED = state(ROUTE2, HOA, PEER, PEER_AT)
SECURED = policy(10, HOA, "::", template(ESP, COA, HA, 1, True), kind=0)
MN_KERNEL: dict[str, Any] = {"updates": None, "tests": None, "cache": None, "engine": KERNEL}
HERE_POLICY = "XFRM policy with the routing header?"
CN_FACTS: dict[str, Any] = {
    "role": "cn",
    "updates": None,
    "home_addresses": (),
    "source": CN,
    "addresses": (CN,),
    "engine": UMIP,
    "lookups": Everywhere(LINK),
}
OUT_CN = policy(16, CN, PEER, template(ROUTE2))
CN_ROUTED = state(ROUTE2, CN, PEER, PEER_AT)

UMIP_CASES: dict[str, tuple[Facts, Way, str, bool]] = {
    "trigger": (umip(), Way.TUNNEL, POLICY, True),
    "bound": (
        umip(CN, (TO_CN,), (state(HAO, HOA, CN, COA),), updates=(home(), peer()), lookups=Everywhere(LINK)),
        Way.RO,
        POLICY,
        True,
    ),
    "bound, no state": (umip(CN, (TO_CN,), updates=(home(), peer())), Way.TUNNEL, POLICY, True),
    "bound, no policy": (umip(updates=(home(), peer())), Way.TUNNEL, POLICY, True),
    "pending state": (
        umip(CN, (TO_CN,), (state(HAO, HOA, CN, None),), updates=(home(), peer("waiting_for_ack"))),
        Way.TUNNEL,
        POLICY,
        True,
    ),
    "both mobile": (
        umip(PEER, (BOTH_MOBILE,), (ROUTED, state(HAO, HOA, PEER, COA)), lookups=Everywhere(LINK)),
        Way.RO,
        POLICY,
        True,
    ),
    "routing header alone": (umip(PEER, (TO_PEER,), (ROUTED,)), Way.TUNNEL, POLICY, True),
    "no RO data": (umip(CN, (policy(13, HOA, CN),)), Way.TUNNEL, POLICY, True),
    "blocked": (umip(CN, (policy(1, HOA, "::", action=1),)), Way.NONE, POLICY, True),
    "blocked, unregistered": (
        umip(CN, (policy(1, HOA, "::", action=1),), updates=(home("not_mobile"),)),
        Way.NONE,
        POLICY,
        True,
    ),
    "required state missing": (
        umip(CN, (policy(15, HOA, CN, template(HAO, HOA, CN, must=True)),)),
        Way.NONE,
        POLICY,
        True,
    ),
    "IPsec for everything": (umip(CN, (TO_CN, SECURED), (state(HAO, HOA, CN, COA),)), Way.TUNNEL, POLICY, True),
    "route out of the tunnel": (umip(lookups=Everywhere(LINK)), Way.DIRECT, ROUTE, True),
    "blackhole": (umip(lookups=Everywhere(Lookup("blackhole"))), Way.NONE, ROUTE, True),
    "kernel not read": (umip(kernel=None, kernel_unknown="no privilege"), Way.TUNNEL, BY_LIST, False),
    "kernel not read, bound": (umip(kernel=None, updates=(home(), peer())), Way.RO, BY_LIST, False),
    "kernel not read, unregistered": (umip(kernel=None, updates=(home("not_mobile"),)), Way.NONE, POLICY, False),
    "kernel not read, home agent": (umip(HA, kernel=None), Way.RO, "host is the home agent?", False),
    "the home agent": (umip(HA, lookups=Everywhere(LINK)), Way.RO, POLICY, True),
    "refresh at the home agent": (umip(updates=(home("waiting_for_ack"),)), Way.TUNNEL, POLICY, True),
    "at home by the kernel": (
        umip(updates=(), addresses=None, kernel=Tables(), lookups=Everywhere(LINK)),
        Way.DIRECT,
        AT_HOME,
        True,
    ),
    "away by the kernel": (umip(updates=(), addresses=None), Way.UNKNOWN, POLICY, False),
    "bare kernel": (umip(CN, (TO_CN,), (state(HAO, HOA, CN, COA),), **MN_KERNEL), Way.RO, POLICY, True),
    "bare kernel, nothing": (umip(kernel=Tables(), **MN_KERNEL), Way.TUNNEL, POLICY, False),
    "correspondent": (
        facts(PEER, kernel=Tables((CN_ROUTED,), (OUT_CN,)), cache=(cached(own=CN),), **CN_FACTS),
        Way.RO,
        HERE_POLICY,
        True,
    ),
    "correspondent, no policy": (
        facts(PEER, kernel=Tables(), cache=(cached(own=CN),), **CN_FACTS),
        Way.DIRECT,
        HERE_POLICY,
        True,
    ),
    "correspondent, no state": (
        facts(PEER, kernel=Tables((), (OUT_CN,)), cache=(cached(own=CN),), **CN_FACTS),
        Way.DIRECT,
        "XFRM state for the routing header?",
        True,
    ),
    "correspondent, nothing": (facts(PEER, kernel=Tables(), **CN_FACTS), Way.DIRECT, HERE, True),
    "correspondent, blocked": (
        facts(PEER, kernel=Tables((), (policy(1, "::", "::", action=1),)), **CN_FACTS),
        Way.NONE,
        HERE_POLICY,
        True,
    ),
    "correspondent, kernel not read": (
        facts(PEER, kernel=None, cache=(cached(own=CN),), **CN_FACTS),
        Way.RO,
        HERE,
        False,
    ),
    "correspondent, kernel not read, nothing": (facts(PEER, kernel=None, **CN_FACTS), Way.DIRECT, HERE, False),
}


@pytest.mark.parametrize("name", MIPD_CASES)
def test_a_mipd_goes_by_its_own_tables(name: str) -> None:
    """The way, the step that decides it, and whether nothing is missing."""
    known, way, decides, is_certain = MIPD_CASES[name]
    found = predict(known)
    assert (found.way, rule(found), found.is_certain) == (way, decides, is_certain)


@pytest.mark.parametrize("name", UMIP_CASES)
def test_a_mip6d_goes_by_its_kernel(name: str) -> None:
    """Likewise; where the daemon says otherwise, the kernel decides."""
    known, way, decides, is_certain = UMIP_CASES[name]
    found = predict(known)
    assert (found.way, rule(found), found.is_certain) == (way, decides, is_certain)


@pytest.mark.parametrize("name", [*MIPD_CASES, *UMIP_CASES])
def test_every_case_has_one_rule_and_one_sentence(name: str) -> None:
    """The steps have evidence; what could not be told and is needed makes it uncertain."""
    for cases in (MIPD_CASES, UMIP_CASES):
        if name in cases:
            known = cases[name][0]
            found = predict(known)
            assert sum(step.decides for step in found.steps) == 1
            assert all(step.evidence for step in found.steps)
            said = sentence(found, known.host)
            assert known.host in said and said.endswith(".") and "\n" not in said
            assert found.is_certain is (found.way is not Way.UNKNOWN and not found.unknown)


def test_headers_of_each_way() -> None:
    """What the packet has around it, with a peer that is mobile and with one that is not."""
    assert predict(facts()).headers == Headers(COA, HA)
    assert predict(facts(updates=(home(), peer()))).headers == Headers(COA, CN, HOA)
    mobile = {"updates": (home(), peer(host=PEER)), "cache": (cached(),)}
    assert predict(facts(PEER, **mobile)).headers == Headers(COA, PEER_AT, HOA, PEER, PEER_AT)
    assert predict(facts(PEER, cache=(cached(),))).headers == Headers(COA, HA, "", PEER, PEER_AT)
    both = predict(UMIP_CASES["both mobile"][0]).headers
    assert both == Headers(COA, PEER_AT, HOA, PEER, PEER_AT)
    assert predict(UMIP_CASES["correspondent"][0]).headers == Headers(CN, PEER_AT, "", PEER, PEER_AT)


def test_the_route_that_is_asked_for() -> None:
    """That of the packet as the kernel routes it: of a mipd the program's, else what results."""
    assert predict(facts(updates=(home(), peer()))).route == (HOA, CN)
    assert predict(UMIP_CASES["both mobile"][0]).route == (COA, PEER_AT)
    assert predict(UMIP_CASES["routing header alone"][0]).route == (HOA, PEER_AT)
    assert predict(UMIP_CASES["trigger"][0]).route == (HOA, CN)
    assert predict(facts(updates=(home("not_mobile", None),))).route is None


@pytest.mark.parametrize(
    ("tests", "answer", "said"),
    [
        ((), Answer.NO, "the home test has not begun"),
        ((half("home_test", False, None, retransmissions=2),), Answer.NO, "not answered, sent again 2 times"),
        ((half("home_test"),), Answer.NO, "the care-of test has not begun"),
        ((half("home_test"), half("care_of_test", False, None)), Answer.NO, "the care-of test is not answered"),
        (
            (half("home_test"), half("care_of_test", True, 7)),
            Answer.YES,
            "home test: 200 s left, care-of test: 7 s left",
        ),
        ((half("home_test"), half("care_of_test", True, 0)), Answer.YES, "care-of test: no token any more"),
        (None, Answer.UNKNOWN, "cannot be read"),
    ],
)
def test_tokens(tests: tuple[object, ...] | None, answer: Answer, said: str) -> None:
    """The first test that is missing is named, with what to do; tokens have their remaining time."""
    found = predict(facts(updates=(home(), peer("return_routability", None)), tests=tests))
    (step,) = [step for step in found.steps if step.question == "both keygen tokens there?"]
    assert step.answer is answer and said in step.evidence
    assert bool(step.advice) is (answer is Answer.NO)


def test_what_is_not_mobile_says_for_how_long() -> None:
    """And what to do about it; nothing further about the peer is asked."""
    found = predict(facts(updates=(home(), peer("not_mobile", 300, next_event_s=77))))
    assert found.missing is not None and "77 s" in found.missing.advice
    assert BY_LIST not in answers(found)


def test_an_optimisation_that_is_not_wanted() -> None:
    """Without the trigger, mip6d is not told of packets: the configuration is at fault."""
    found = predict(umip(CN, kernel=Tables((), (policy(6, HOA, HA),))))
    assert answers(found)["route optimisation wanted?"] == "no"
    assert "MnRoPolicy" in sentence(found, CN)


@pytest.mark.parametrize(
    ("seen", "headers", "answer"),
    [
        (Way.RO, (COA, CN, HOA, ""), Answer.YES),
        (Way.RO, ("", "", "", ""), Answer.YES),
        (Way.RO, ("2001:db8:9::9", CN, HOA, ""), Answer.NO),
        (Way.RO, (COA, CN, PEER, ""), Answer.NO),
        (Way.TUNNEL, (COA, HA, "", ""), Answer.NO),
        (Way.NONE, ("", "", "", ""), Answer.NO),
        (Way.UNKNOWN, ("", "", "", ""), Answer.UNKNOWN),
    ],
)
def test_proof(seen: Way, headers: tuple[str, str, str, str], answer: Answer) -> None:
    """A packet that was seen is compared with the way and the headers."""
    verdict = compare(predict(facts(updates=(home(), peer()))), seen, headers)
    assert verdict.answer is answer
    assert bool(verdict.differs) is (answer is Answer.NO and seen is Way.RO)


def test_what_is_not_predicted_is_not_proved() -> None:
    """Whatever is seen."""
    assert compare(predict(facts(updates=())), Way.TUNNEL, ("", "", "", "")).answer is Answer.UNKNOWN


def test_a_trigger_is_no_state() -> None:
    """The state by which mip6d is told waits for nothing and carries nothing."""
    waiting = state(HAO, HOA, CN, None)
    found = predict(umip(CN, (), (waiting,)))
    assert found.way is Way.TUNNEL and template(HAO, mode=TRIGGER).mode == TRIGGER
