"""Sequence numbers, replays and what may not be bound (RFC 6275 sections 5.2.8, 6.1.7, 9.5.1 and 9.5.3)."""

from dataclasses import replace

import pytest
from playbook import CN, COA, COA2, HOA, HOA2, UNIT, Scene, Update, echo

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.correspondent_cache import State
from mipsh.wire.mobility import HOME
from mipsh.wire.packet import Packet


@pytest.mark.parametrize(
    ("last", "s"),
    [
        pytest.param(10000, 10001, id="CN-5-1-1-1"),
        pytest.param(10000, 42767, id="CN-5-1-1-2"),
        pytest.param(42768, 0, id="CN-5-1-1-3"),
        pytest.param(42768, 9999, id="CN-5-1-1-4"),
        pytest.param(15, 32782, id="the RFC's example"),
    ],
)
def test_a_greater_sequence_number_is_accepted(last: int, s: int) -> None:
    """Section 9.5.1: greater modulo 65536."""
    scene = Scene()
    update = scene.reg(s=last)
    scene.accepted(replace(update, s=s))


@pytest.mark.parametrize(
    ("last", "s"),
    [
        pytest.param(10000, 9999, id="CN-5-1-2-1"),
        pytest.param(10000, 10000, id="CN-5-1-2-2"),
        pytest.param(10000, 42768, id="CN-5-1-2-3"),
        pytest.param(15, 32783, id="the RFC's example"),
    ],
)
def test_a_sequence_number_that_is_not_greater_is_refused(last: int, s: int) -> None:
    """Section 9.5.1: the acknowledgement says which one was accepted last; the last and the 32768 before are not."""
    scene = Scene()
    update = scene.reg(s=last)
    message = scene.acknowledged(replace(update, s=s), 135, s=last)
    assert message.lifetime == 0
    scene.chk_plus()


def test_cn_5_1_3_3__the_first_sequence_number_is_any() -> None:
    """Section 9.5.1: there is none to compare it with."""
    scene = Scene()
    scene.accepted(Update(scene.rr(), s=65535))


def test_r_cn_43__updates_in_the_wrong_order() -> None:
    """Section 9.5.1: the one that was overtaken is refused."""
    scene = Scene()
    tokens = scene.rr()
    scene.accepted(Update(tokens, s=6))
    scene.acknowledged(Update(tokens, s=5), 135, s=6)


@pytest.mark.parametrize("lower", [0, 1])
def test_cn_5_4_1__an_update_from_before_a_deregistration_is_refused(lower: int) -> None:
    """Sections 5.2.8 and 9.5.3: while its nonces last, its sequence number is remembered."""
    scene = Scene()
    update = scene.reg(s=10000)
    scene.accepted(replace(update, s=10001, lifetime=0))
    scene.chk0()
    scene.acknowledged(replace(update, s=10000 - lower), 135, s=10001)
    scene.chk0()


def test_r_cn_41__an_update_from_before_the_end_of_a_binding_is_refused() -> None:
    """Sections 5.2.8 and 9.5.3: while its nonces last; after that it is too old."""
    scene = Scene()
    update = scene.reg(s=7, lifetime=1)
    scene.wait(UNIT)
    scene.chk0()
    scene.acknowledged(update, 135)
    scene.wait(240 - UNIT)
    assert len(scene.correspondent.cache) == 0
    scene.acknowledged(update, 138, proven=False)


def test_what_is_remembered_outlives_the_newest_nonce_of_all_updates() -> None:
    """Section 9.5.3: an update by older nonces does not shorten the memory that one by newer ones needs."""
    scene = Scene()
    old = scene.rr()
    scene.wait(100)
    new = scene.rr()
    scene.accepted(Update(new, s=1))
    scene.accepted(Update(old, s=2))
    scene.accepted(Update(old, s=3, lifetime=0))
    scene.wait(200)
    scene.acknowledged(Update(new, s=1), 135, s=3)
    scene.wait(40)
    scene.acknowledged(Update(new, s=1), 138, proven=False)


def test_a_deregistration_without_a_binding_is_acknowledged_and_remembered() -> None:
    """Sections 9.5.1 and 9.5.3: an update that it overtook may not bind."""
    scene = Scene()
    tokens = scene.rr()
    scene.accepted(Update(tokens, s=6, lifetime=0))
    scene.chk0()
    scene.acknowledged(Update(tokens, s=5), 135, s=6)
    scene.accepted(Update(tokens, s=7))


def test_cn_5_3_2__a_binding_does_not_become_a_home_registration() -> None:
    """Section 9.5.1: status 139, which no key can prove; the binding and its lifetime stay."""
    scene = Scene()
    update = scene.reg()
    home = replace(update, s=2, flags=update.flags | HOME, lifetime=1)
    scene.acknowledged(home, 139, proven=False, packet=home.bare())
    scene.wait(UNIT)
    scene.chk_plus()


def test_cn_5_3_3__a_binding_is_not_ended_as_a_home_registration() -> None:
    """Section 9.5.1: status 139 to the home address."""
    scene = Scene()
    update = scene.reg()
    home = replace(update, s=2, flags=update.flags | HOME, lifetime=0, source=HOA, hao=None)
    scene.acknowledged(home, 139, proven=False, packet=home.bare())
    scene.chk_plus()


def test_cn_5_3_4__a_home_registration_has_no_nonce_indices() -> None:
    """Section 9.5.1: with them it is silently discarded."""
    scene = Scene()
    update = Update(scene.rr())
    scene.silence(replace(update, flags=update.flags | HOME).packet())
    scene.chk0()


def test_a_home_registration_is_not_supported() -> None:
    """Section 10.3.1: status 131 from a node that is no home agent, within the limit of answers."""
    scene = Scene()
    home = replace(Update(scene.rr()), flags=HOME)
    scene.acknowledged(home, 131, proven=False, packet=home.bare())
    assert sum(len(scene.send(home.bare())) for _ in range(50)) == 9


def test_cn_5_4_2__a_binding_does_not_lead_back_to_its_home_address() -> None:
    """Section 6.1.7: the care-of address is the home address of an entry that is at this home address."""
    scene = Scene()
    scene.reg()
    scene.silence(Update(scene.rr(home=COA, care_of=HOA), hao=COA, source=HOA).packet())
    scene.chk0(home=COA, care_of=HOA)


def test_r_cn_45__a_binding_does_not_lead_back_through_others() -> None:
    """Section 6.1.7: A is at B, and B at C; then C is not at A."""
    scene = Scene()
    a, b, c = HOA, HOA2, COA
    scene.accepted(Update(scene.rr(b, c), hao=b, source=c))
    scene.accepted(Update(scene.rr(a, b), hao=a, source=b))
    scene.silence(Update(scene.rr(c, a), hao=c, source=a).packet())
    scene.chk0(home=c, care_of=a)


def test_cn_5_4_3__two_mobile_nodes() -> None:
    """Section 9.1: each has a binding of its own."""
    scene = Scene()
    scene.reg()
    scene.reg(HOA2, COA2)
    for home, care_of in ((HOA, COA), (HOA2, COA2)):
        scene.chkh_plus(home, care_of)


def test_r_cn_42__two_home_addresses_at_one_care_of_address() -> None:
    """Section 9.1: two bindings; the end of one is not the end of the other."""
    scene = Scene()
    update = scene.reg()
    scene.reg(HOA2, COA)
    scene.accepted(replace(update, s=2, lifetime=0))
    scene.chkh()
    scene.chk_plus(HOA2, COA)


def test_r_cn_34__a_full_cache_takes_no_other_binding() -> None:
    """Sections 9.6 and 6.1.8: status 130, proven; what is in it stays and can be refreshed."""
    scene = Scene(CorrespondentParameters(max_bindings=1))
    update = scene.reg()
    other = Update(scene.rr(HOA2, COA2), hao=HOA2, source=COA2)
    scene.acknowledged(other, 130)
    scene.accepted(replace(other, s=2, lifetime=0))
    scene.chk0(HOA2, COA2)
    scene.accepted(replace(update, s=2))
    assert [entry.state for entry in scene.correspondent.cache] == [State.BOUND]


def test_r_cn_33__a_rejection_grants_no_lifetime() -> None:
    """Section 6.1.8: the field is ignored then, and sent as zero."""
    scene = Scene()
    update = scene.reg()
    rejections = (
        scene.acknowledged(update, 135),
        scene.acknowledged(replace(update, with_indices=False), 139, proven=False, packet=home_registration(update)),
    )
    assert [message.lifetime for message in rejections] == [0, 0]
    reply = scene.correspondent.outgoing(echo(CN, local=HOA), scene.now)
    assert reply.destination == COA


def home_registration(update: Update) -> Packet:
    """Return a home registration for what an update binds."""
    return replace(update, flags=HOME).bare()
