"""Exchanges out of messages: what belongs together, what repeats, what is missing, and what is too much to keep."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signalling_samples import (
    ACKNOWLEDGED,
    AGENT,
    ANYCAST,
    CARE_OF,
    COOKIE,
    ELSEWHERE,
    HOME,
    MS,
    PEER,
    PROOF,
    ROUTER,
    TOKEN,
    S,
    ba,
    be,
    brr,
    bu,
    control,
    cot,
    coti,
    heard,
    hot,
    hoti,
    problem,
    tell,
)

from mipsh.signalling.exchange import Exchange, State, What
from mipsh.signalling.exchanges import Exchanges
from mipsh.signalling.explain import explain
from mipsh.signalling.heard import Kind, listen
from mipsh.signalling.report import report
from mipsh.wire import icmpv6, mobility
from mipsh.wire.address import parse
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet

OTHER_COOKIE = b"another!"
MOST_TOLD = 3
"""An answer is missed, an error comes, and an answer in the end."""
DISCOVERY = control(CARE_OF, ANYCAST, icmpv6.HomeAgentDiscoveryRequest(7))
DISCOVERED = control(AGENT, CARE_OF, icmpv6.HomeAgentDiscoveryReply(7, (AGENT,)))
SOLICITATION = control(CARE_OF, AGENT, icmpv6.MobilePrefixSolicitation(9))
ADVERTISEMENT = control(AGENT, CARE_OF, icmpv6.MobilePrefixAdvertisement(9, 0))


def shape(exchange: Exchange) -> tuple[What, State, int, int]:
    """Return what an exchange is, what came of it, and how many questions and answers it has."""
    return exchange.what, exchange.state, exchange.questions, exchange.answers


@pytest.mark.parametrize(
    ("question", "answer", "what", "state"),
    [
        (hoti(), hot(), What.HOME_TEST, State.ANSWERED),
        (coti(), cot(), What.CARE_OF_TEST, State.ANSWERED),
        (bu(7), ba(7), What.HOME_REGISTRATION, State.ACCEPTED),
        (bu(7), ba(7, status=132), What.HOME_REGISTRATION, State.REJECTED),
        (bu(7), ba(3, status=135), What.HOME_REGISTRATION, State.REJECTED),
        (bu(7, PEER, ACKNOWLEDGED), ba(7, PEER), What.CORRESPONDENT_REGISTRATION, State.ACCEPTED),
        (DISCOVERY, DISCOVERED, What.DISCOVERY, State.ANSWERED),
        (SOLICITATION, ADVERTISEMENT, What.PREFIXES, State.ANSWERED),
    ],
)
def test_a_question_and_its_answer(question: Packet, answer: Packet, what: What, state: State) -> None:
    """With the time between them; without the answer, and without the question."""
    (exchange,) = tell((0, question), (30 * MS, answer))
    assert (*shape(exchange), exchange.latency_ms) == (what, state, 1, 1, 30.0)
    (exchange,) = tell((0, question))
    assert shape(exchange) == (what, State.OPEN, 1, 0)
    exchange, _ = tell((0, question), (60 * S, be()))
    assert shape(exchange) == (what, State.UNANSWERED, 1, 0)
    assert explain(exchange)[0].startswith(f"1 {exchange.steps[0].kind}, no ")
    (exchange,) = tell((0, answer))
    assert (exchange.state, exchange.questions, exchange.answers) == (State.ALONE, 0, 1)
    assert explain(exchange)[0].startswith("no ")


def test_what_is_sent_again_is_counted() -> None:
    """The latency is that of the question that was answered, by its cookie or its number."""
    (test,) = tell((0, hoti()), (S, hoti(OTHER_COOKIE)), (3 * S, hoti()), (3 * S + 20 * MS, hot(OTHER_COOKIE)))
    assert (*shape(test), test.latency_ms) == (What.HOME_TEST, State.ANSWERED, 3, 1, 2020.0)
    assert (test.steps[0].first_ns, test.steps[0].last_ns) == (S, 4 * S)
    (update,) = tell((0, bu(7)), (S, bu(8)), (3 * S, bu(9)), (3 * S + 5 * MS, ba(9)))
    assert (*shape(update), update.latency_ms) == (What.HOME_REGISTRATION, State.ACCEPTED, 3, 1, 5.0)


def test_pauses_that_double_are_one_exchange() -> None:
    """Up to the 32 seconds of the longest pause (RFC 6275 section 12)."""
    times = [0, 1, 3, 7, 15, 31, 63]
    (update,) = tell(*((at * S, bu(number)) for number, at in enumerate(times)), (64 * S, ba(6)))
    assert shape(update) == (What.HOME_REGISTRATION, State.ACCEPTED, 7, 1)


def test_an_answer_that_is_missed_is_told_soon() -> None:
    """And once more when it is there, or is given up."""
    machine = Exchanges()
    assert [machine.take(heard(coti(), at * S)) for at in (1, 2, 4)] == [[], [], []]
    (missed,) = machine.take(heard(be(), 6 * S))[:-1]
    assert (*shape(missed), missed.is_missed) == (What.CARE_OF_TEST, State.UNANSWERED, 3, 0, True)
    assert machine.advance(7 * S) == []
    assert machine.take(heard(cot(), 8 * S)) == [missed]
    assert shape(missed) == (What.CARE_OF_TEST, State.ANSWERED, 3, 1)
    machine.take(heard(coti(), 9 * S))
    assert machine.advance(14 * S)[0].state is State.UNANSWERED
    assert machine.finish() == []


def test_late_answers_of_questions_before() -> None:
    """They are of the same exchange, and no news."""
    (update,) = tell((0, bu(7)), (S, bu(8)), (S + 10 * MS, ba(7)), (S + 20 * MS, ba(8)))
    assert (*shape(update), update.latency_ms) == (What.HOME_REGISTRATION, State.ACCEPTED, 2, 2, 1010.0)


def test_an_answer_with_a_cookie_that_nobody_sent() -> None:
    """It is no answer (RFC 6275 section 11.6.2)."""
    test, alone = tell((0, hoti()), (10 * MS, hot(OTHER_COOKIE)))
    assert shape(test) == (What.HOME_TEST, State.OPEN, 1, 0)
    assert shape(alone) == (What.HOME_TEST, State.ALONE, 0, 1)


def test_a_packet_that_is_heard_at_several_places_counts_once() -> None:
    """In the tunnel and out of it, on the next link; sent again from the same place it counts again."""
    machine = Exchanges()
    for number, interface in enumerate(("ip6tnl1", "eth0")):
        machine.take(heard(hoti(in_tunnel=interface == "eth0"), S + number * MS, interface))
    machine.take(heard(hoti(), 2 * S, "ip6tnl1"))
    machine.take(heard(hoti(in_tunnel=True), 2 * S + MS, "eth0"))
    (test,) = machine.finish()
    assert (test.questions, test.tunnelled, test.plain) == (2, True, True)
    assert (machine.messages, machine.copies) == (2, 2)


def test_errors_that_quote_a_message() -> None:
    """They end what they are about; in a tunnel, too."""
    (test,) = tell((0, hoti(in_tunnel=True)), (5 * MS, Packet(AGENT, CARE_OF, problem(hoti()))))
    assert shape(test) == (What.HOME_TEST, State.ERROR, 1, 0)
    assert test.says == "Parameter Problem (unrecognized next header)"
    said, advice = explain(test)
    assert said == "1 HoTI, no HoT: answered by the Parameter Problem (unrecognized next header) of 2001:db8:4::2"
    assert "does not do Mobile IPv6" in advice
    unreachable = control(ROUTER, CARE_OF, icmpv6.DestinationUnreachable(3, 0, bu(7).encode()))
    (update,) = tell((0, bu(7)), (5 * MS, unreachable))
    assert explain(update)[0].endswith(
        "answered by the Destination Unreachable (address unreachable) of 2001:db8:4::fe"
    )
    (alone,) = tell((0, problem(coti())))
    assert (alone.what, alone.state, alone.peer) == (What.ICMP_ERROR, State.ERROR, PEER)
    late, _ = tell((0, coti()), (10 * S, be()), (11 * S, problem(coti())))
    assert late.state is State.UNANSWERED
    assert late.says


@pytest.mark.parametrize(
    "message",
    [
        icmpv6.ParameterProblem(1, 6, Packet(CARE_OF, PEER, Esp(1, 2, b"")).encode()),
        icmpv6.ParameterProblem(1, 6, problem(coti()).encode()),
        icmpv6.ParameterProblem(1, 6, b""),
        icmpv6.EchoRequest(1, 2),
    ],
)
def test_errors_about_anything_else(message: icmpv6.Message) -> None:
    """They are no signalling."""
    assert listen(control(ROUTER, CARE_OF, message).encode(), S) is None


def test_a_binding_error() -> None:
    """It is told by itself, in words."""
    (error,) = tell((0, be()))
    assert (error.what, error.home_address, error.status) == (What.BINDING_ERROR, HOME, 1)
    assert explain(error)[0] == "a packet with a Home Address option came, and there is no binding for it"
    (error,) = tell((0, be(9)))
    assert "no RFC assigns (9)" in explain(error)[0]


def test_a_refresh_and_what_comes_of_it() -> None:
    """The Binding Update answers the request, and is a question itself."""
    refresh, update = tell((0, brr()), (10 * MS, bu(7, PEER, ACKNOWLEDGED)), (20 * MS, ba(7, PEER)))
    assert (*shape(refresh), refresh.latency_ms) == (What.REFRESH, State.ANSWERED, 1, 1, 10.0)
    assert shape(update) == (What.CORRESPONDENT_REGISTRATION, State.ACCEPTED, 1, 1)


def test_an_update_that_wants_no_acknowledgement() -> None:
    """None is missed; one that comes counts."""
    (quiet,) = tell((0, bu(7, PEER, 0)))
    assert quiet.state is State.UNASKED
    (rejected,) = tell((0, bu(7, PEER, 0)), (10 * MS, ba(7, PEER, 137)))
    assert rejected.state is State.REJECTED
    assert "expired care-of nonce index" in explain(rejected)[0]


def test_an_update_that_is_overtaken() -> None:
    """By one for another place, or for the end of the binding, at once or after it was long unanswered."""
    first, second = tell((0, bu(7)), (S, bu(8, source=ELSEWHERE)), (S + MS, ba(8)))
    assert (first.state, second.state) == (State.REPLACED, State.ACCEPTED)
    first, _ = tell((0, bu(7)), (S, bu(8, units=0)), (S + MS, ba(8, units=0)))
    assert first.state is State.REPLACED
    first, _ = tell((0, bu(7)), (3 * S, bu(8)), (10 * S, bu(9, source=ELSEWHERE)))
    assert first.state is State.UNANSWERED


def test_encrypted_packets_are_counted() -> None:
    """Each once, wherever it is heard."""
    machine = Exchanges()
    for number in (1, 2):
        for place in ("eth0", "eth1"):
            assert machine.take(heard(Packet(CARE_OF, AGENT, Esp(5, number, bytes(40))), S, place)) == []
    assert (machine.esp, machine.messages, machine.finish()) == (2, 0, [])


def test_a_message_that_is_malformed_answers_nothing() -> None:
    """Its receiver drops it; of one that was not captured to its end, nothing can be told."""
    data = bytearray(ba(7).encode())
    data[-1] ^= 1
    found = listen(bytes(data), 2 * S)
    assert found is not None
    machine = Exchanges()
    machine.take(heard(bu(7), S))
    (broken,) = machine.take(found)
    assert broken.state is State.MALFORMED
    assert "checksum" in explain(broken)[0]
    cut = listen(bytes(data[:-8]), 2 * S, is_cut=True)
    assert cut is None or not cut.fault


def test_a_message_of_a_type_that_is_not_known() -> None:
    """It is told, and nothing is made of it."""
    (other,) = tell((0, Packet(CARE_OF, PEER, MobilityHeader(mobility.OtherMessage(16, bytes(10))))))
    assert (other.what, other.state, other.says) == (What.OTHER, State.SEEN, "MH type 16")


def test_home_and_care_of_addresses_are_put_together() -> None:
    """By the updates before and after; a test says but one of them."""
    home_test, care_of_test, _ = tell((0, hoti()), (MS, coti()), (2 * MS, bu(7, PEER, ACKNOWLEDGED)))
    assert (home_test.home_address, home_test.care_of_address) == (HOME, CARE_OF)
    assert care_of_test.care_of_address == CARE_OF
    _, home_test = tell((0, bu(7)), (S, hoti(in_tunnel=True)))
    assert home_test.care_of_address == CARE_OF
    _, home_test, care_of_test = tell((0, bu(7)), (S, hoti()), (S + MS, coti()))
    assert (home_test.care_of_address, care_of_test.home_address) == (None, HOME)


def test_a_clock_that_goes_back() -> None:
    """There is no time before the question."""
    (exchange,) = tell((10 * S, bu(7)), (5 * S, ba(7)))
    assert (exchange.state, exchange.latency_ms) == (State.ACCEPTED, None)


def test_no_more_is_kept_than_may_be() -> None:
    """The oldest is given up, and says so."""
    machine = Exchanges(most_open=3)
    over = []
    for number in range(5):
        source = parse(f"2001:db8:2::{number + 1:x}")
        over += machine.take(heard(coti(source=source), S))
    assert [exchange.evicted for exchange in over] == [True, True]
    assert explain(over[0])[0].startswith("1 CoTI, no CoT: given up here")
    assert len(machine.finish()) == 3


PACKETS = st.sampled_from(
    (
        *(
            hoti(),
            hoti(OTHER_COOKIE, in_tunnel=True),
            hot(),
            hot(OTHER_COOKIE),
            coti(),
            cot(),
            bu(7),
            bu(8),
            bu(9, units=0),
        ),
        *(
            ba(7),
            ba(8, status=135),
            bu(7, PEER, 0),
            bu(8, PEER, ACKNOWLEDGED, source=ELSEWHERE),
            ba(8, PEER),
            brr(),
            be(),
        ),
        *(DISCOVERY, DISCOVERED, SOLICITATION, ADVERTISEMENT, problem(hoti()), problem(bu(7)), problem(hot())),
    )
)


@given(st.lists(st.tuples(PACKETS, st.integers(0, 90 * S), st.sampled_from(("", "eth0", "eth1"))), max_size=40))
def test_any_messages_in_any_order(told: list[tuple[Packet, int, str]]) -> None:
    """Each exchange is told, again only if something is new, and no message is lost or counted twice."""
    machine = Exchanges(most_open=5)
    over = []
    for packet, at, interface in told:
        over += machine.take(heard(packet, at + S, interface))
    over += machine.finish()
    found = {exchange.number: exchange for exchange in over}
    assert max(Counter(exchange.number for exchange in over).values(), default=0) <= MOST_TOLD
    steps = [step for exchange in found.values() for step in exchange.steps if not _is_twice(exchange, step.kind)]
    assert sum(step.count for step in steps) == machine.messages
    assert machine.messages + machine.copies == len(told)
    for exchange in over:
        machine.complete(exchange)
        row = report(exchange)
        assert row.explanation
        assert exchange.latency_ms is None or exchange.latency_ms >= 0


def _is_twice(exchange: Exchange, kind: Kind) -> bool:
    """Tell whether a message is of another exchange as well: an update that answers a refresh."""
    return exchange.what is What.REFRESH and kind is Kind.BU


def test_an_error_that_is_not_the_end() -> None:
    """An answer that comes after it is told; who else sends errors is counted, however many they are."""
    machine = Exchanges()
    machine.take(heard(bu(7), S))
    (failed,) = machine.take(heard(problem(bu(7), ROUTER), S + MS))
    assert shape(failed) == (What.HOME_REGISTRATION, State.ERROR, 1, 0)
    for number in range(50):
        machine.take(heard(problem(bu(7), parse(f"2001:db8:9::{number:x}")), S + 2 * MS))
    assert (len(failed.steps), sum(step.count for step in failed.steps)) == (8, 52)
    assert machine.take(heard(ba(7), S + 3 * MS)) == [failed]
    assert shape(failed) == (What.HOME_REGISTRATION, State.ACCEPTED, 1, 1)
    assert machine.finish() == []


def test_no_secret_gets_out() -> None:
    """Neither from what was heard nor from what is made of it."""
    packets = [(0, hoti()), (MS, hot()), (2 * MS, coti()), (3 * MS, cot()), (4 * MS, bu(7)), (5 * MS, ba(7))]
    said = (
        repr([heard(packet, at) for at, packet in packets]) + repr(tell(*packets)) + repr(map(report, tell(*packets)))
    )
    for secret in (COOKIE, TOKEN, PROOF):
        assert secret.decode() not in said
        assert secret.hex() not in said
