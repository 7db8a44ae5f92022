"""Deregistration and movement (RFC 6275 sections 9.5.1, 9.5.3 and 9.5.4)."""

from dataclasses import replace

import pytest
from playbook import CN, COA, COA2, HOA, Scene, Update

from mipsh.mobility.effects import InstallBinding, RemoveBinding


@pytest.mark.parametrize(
    ("lifetime", "fresh"),
    [
        pytest.param(0, True, id="CN-3-3-1-3"),
        pytest.param(0, False, id="CN-3-3-1-4"),
        pytest.param(10, True, id="CN-3-3-1-5"),
        pytest.param(10, False, id="CN-3-3-1-6"),
    ],
)
def test_from_a_foreign_link(lifetime: int, fresh: bool) -> None:
    """The care-of address to bind is the home address, or the lifetime is zero: the home token alone is the key."""
    scene = Scene()
    tokens = scene.reg().tokens
    if fresh:
        scene.wait(40)
        tokens = scene.fresh_home(tokens)
    scene.accepted(Update(tokens, s=2, lifetime=lifetime, alt=HOA))
    scene.chk0()


@pytest.mark.parametrize(
    ("hao", "alt", "lifetime", "fresh"),
    [
        pytest.param(None, None, 0, True, id="CN-3-3-2-1"),
        pytest.param(None, None, 0, False, id="CN-3-3-2-2"),
        pytest.param(HOA, None, 0, True, id="CN-3-3-2-3"),
        pytest.param(HOA, None, 0, False, id="CN-3-3-2-4"),
        pytest.param(None, HOA, 0, True, id="CN-3-3-2-5"),
        pytest.param(None, None, 10, True, id="CN-3-3-2-9"),
        pytest.param(HOA, None, 10, True, id="CN-3-3-2-11"),
        pytest.param(HOA, None, 10, False, id="CN-3-3-2-12"),
        pytest.param(None, HOA, 10, True, id="CN-3-3-2-13"),
        pytest.param(None, HOA, 10, False, id="CN-3-3-2-14"),
        pytest.param(HOA, HOA, 10, True, id="CN-3-3-2-15"),
    ],
)
def test_from_home(hao: bytes | None, alt: bytes | None, lifetime: int, fresh: bool) -> None:
    """However it is said; where the source is the home address there is no routing header (section 9.5.4)."""
    scene = Scene()
    tokens = scene.reg().tokens
    if fresh:
        scene.wait(40)
        tokens = scene.fresh_home(tokens)
    scene.accepted(Update(tokens, s=2, lifetime=lifetime, source=HOA, hao=hao, alt=alt))
    scene.chkh()


@pytest.mark.parametrize("covered", [COA, HOA])
def test_from_a_foreign_link_without_an_alternate_care_of_address(covered: bytes) -> None:
    """Section 6.2.7 lets the authenticator be read as of the source or of the home address: both are taken."""
    scene = Scene()
    scene.accepted(Update(scene.reg().tokens, s=2, lifetime=0, covered=covered))
    scene.chk0()


def test_r_cn_32__a_deregistration_does_not_need_the_care_of_nonce() -> None:
    """Section 9.5.1: its index is ignored."""
    scene = Scene()
    tokens = scene.reg().tokens
    scene.accepted(Update(replace(tokens, care_of_index=0xBEEF), s=2, lifetime=0))
    scene.chk0()


def test_cn_3_3_3__a_rejected_deregistration_leaves_the_binding() -> None:
    """Section 9.5.1: status 135 goes to the home address, without a routing header."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.acknowledged(Update(tokens, lifetime=0, source=HOA, hao=None), 135)
    scene.chkh_plus()


def test_cn_3_4_1__movement() -> None:
    """Section 9.5.2: the new care-of address takes the place of the old one."""
    scene = Scene()
    scene.reg()
    scene.accepted(Update(scene.rr(care_of=COA2), s=2, source=COA2))
    scene.chkh_plus(care_of=COA2)
    scene.chk_plus(care_of=COA2)
    scene.chk0(care_of=COA)


def test_cn_3_4_3__a_rejected_movement() -> None:
    """Section 9.5.1: the binding stays as it was."""
    scene = Scene()
    scene.reg()
    scene.acknowledged(Update(scene.rr(care_of=COA2), source=COA2), 135)
    scene.chkh_plus(care_of=COA)


def test_forwarding_changes_only_where_the_binding_does() -> None:
    """A refresh installs nothing, a movement installs, and only what is there is removed."""
    scene = Scene()
    here, there = scene.rr(), scene.rr(care_of=COA2)

    def kinds(update: Update) -> list[object]:
        changes = (InstallBinding, RemoveBinding)
        return [effect for effect in scene.effects(replace(update, flags=0).packet()) if isinstance(effect, changes)]

    assert kinds(Update(here, s=1)) == [InstallBinding(HOA, COA, CN)]
    assert kinds(Update(here, s=2)) == []
    assert kinds(Update(there, s=3, source=COA2)) == [InstallBinding(HOA, COA2, CN)]
    assert kinds(Update(there, s=4, lifetime=0, source=COA2)) == [RemoveBinding(HOA, CN)]
    assert kinds(Update(there, s=5, lifetime=0, source=COA2)) == []
    assert kinds(Update(there, s=6, source=COA2)) == [InstallBinding(HOA, COA2, CN)]
