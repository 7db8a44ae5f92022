"""How long a binding lasts, and what is asked before it ends (RFC 6275 sections 5.2.7, 9.5.2, 9.5.5)."""

from dataclasses import replace

import pytest
from playbook import CN, HOA, UNIT, Scene, Update, echo, said, unrouted

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.effects import Emit, RemoveBinding
from mipsh.wire.mobility import BindingRefreshRequest


def ends_between(scene: Scene, there: float, gone: float) -> None:
    """See a binding that is there so many seconds after it was made, and gone so many seconds after."""
    scene.wait(there)
    scene.chk_plus()
    scene.wait(gone - there)
    scene.chk0()


@pytest.mark.parametrize("fresh", [pytest.param(True, id="CN-3-2-1"), pytest.param(False, id="CN-3-2-2")])
def test_a_binding_is_made_anew_for_another_time(fresh: bool) -> None:
    """Sections 5.2.7 and 9.5.2: with new tokens, or with those that are good still."""
    scene = Scene()
    first = scene.reg()
    tokens = scene.rr() if fresh else first.tokens
    scene.accepted(Update(tokens, s=2, lifetime=1))
    ends_between(scene, 3.9, UNIT)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        pytest.param(0xFFFF, 105, id="CN-5-2-1"),
        pytest.param(10, 10, id="CN-5-2-2"),
        pytest.param(106, 105, id="CN-5-2-3"),
        pytest.param(1, 1, id="R-CN-31"),
    ],
)
def test_a_new_binding_lasts_as_long_as_is_granted(asked: int, granted: int) -> None:
    """Sections 5.2.7 and 12: never longer than 420 s; a unit is 4 s."""
    scene = Scene()
    scene.accepted(Update(scene.rr(), lifetime=asked), granted)
    ends_between(scene, granted * UNIT - 0.1, granted * UNIT)


@pytest.mark.parametrize(
    ("before", "asked", "granted"),
    [
        pytest.param(10, 0xFFFF, 105, id="CN-5-2-4"),
        pytest.param(100, 10, 10, id="CN-5-2-5"),
        pytest.param(10, 20, 20, id="CN-5-2-6"),
        pytest.param(10, 106, 105, id="CN-5-2-7"),
    ],
)
def test_a_binding_lasts_as_long_as_was_granted_last(before: int, asked: int, granted: int) -> None:
    """Section 9.5.2: longer or shorter than before."""
    scene = Scene()
    update = scene.reg(lifetime=before)
    scene.wait(20)
    scene.accepted(replace(update, s=2, lifetime=asked), granted)
    ends_between(scene, granted * UNIT - 0.1, granted * UNIT)


def test_cn_5_2_8__a_rejected_update_leaves_the_lifetime_as_it_is() -> None:
    """Sections 9.5.1 and 9.5.2: and the sequence number."""
    scene = Scene()
    update = scene.reg(lifetime=10)
    scene.acknowledged(replace(update, lifetime=20), 135)
    ends_between(scene, 39.9, 40)


def test_cn_3_2_3__a_refresh_is_asked_for_while_a_binding_is_in_use() -> None:
    """Sections 6.1.2 and 9.5.5: to the home address, without a routing header, reserved bits zero."""
    scene = Scene()
    scene.reg()
    scene.wait(389)
    scene.chk_plus()
    asked = scene.wait(30.9)
    assert len(asked) == 3
    for request in asked:
        message = unrouted(request, BindingRefreshRequest, HOA, CN)
        assert (message.reserved, message.options) == (0, ())


def test_r_cn_44__refresh_requests_are_few_and_only_for_live_bindings() -> None:
    """Section 9.5.5: they may be repeated within a rate limit, and stop with an update or the binding's end.

    The case asks for one a binding's end; the clause allows more, and three at most are sent, 5 s apart.
    """
    scene = Scene()
    update = scene.reg()
    assert scene.wait(389.9) == []
    scene.chk_plus()
    assert [said(packet, BindingRefreshRequest) for packet in scene.wait(0.1)] == [BindingRefreshRequest()]
    assert scene.wait(4.9) == []
    assert len(scene.wait(0.1)) == 1
    scene.accepted(replace(update, tokens=scene.rr(), s=2))
    assert scene.wait(389) == []
    scene.chk_plus()
    assert len(scene.wait(60)) == 3
    assert scene.wait(1000) == []


def test_no_refresh_is_asked_for_a_binding_that_is_not_in_use() -> None:
    """Section 9.5.5: nor for one that is shorter than the time in which it would be asked for."""
    scene = Scene()
    scene.reg()
    assert scene.wait(1000) == []
    scene.accepted(Update(scene.rr(), lifetime=5))
    scene.chk_plus()
    assert scene.wait(1000) == []


def test_the_last_request_is_not_sent_when_the_binding_ends() -> None:
    """The next one would be due at its end: then there is nothing to refresh."""
    scene = Scene(CorrespondentParameters(refresh_before_s=7.0))
    scene.reg()
    scene.wait(412)
    scene.chk_plus()
    assert len(scene.wait(8)) == 2
    assert len(scene.correspondent.cache) == 0


def test_the_end_of_a_binding_is_told() -> None:
    """The driver removes it, and who listens hears the notification of RFC 4295."""
    scene = Scene()
    update = scene.reg(lifetime=10)
    effects = scene.node.advance(scene.now + 40)
    assert effects == [
        RemoveBinding(HOA, CN),
        Emit("mip6MnBindingExpiredAtCN", HOA, update.source, CN, "lifetime_ends"),
    ]


def test_a_binding_whose_nonces_have_ended_is_forgotten_when_it_ends() -> None:
    """Section 9.5.1: with nothing remembered, any sequence number is accepted."""
    scene = Scene()
    scene.reg(s=100)
    scene.now += 420
    scene.accepted(Update(scene.rr(), s=50))


def test_r_cn_35__at_the_instant_of_its_end_a_binding_is_not_used() -> None:
    """Section 9.3.2: an answer then goes to the home address."""
    scene = Scene()
    scene.reg(lifetime=1)
    scene.wait(3.999)
    scene.chkh_plus()
    scene.now += 0.001
    reply = scene.correspondent.outgoing(echo(CN, local=HOA), scene.now)
    assert reply.headers == ()
    scene.chkh()
