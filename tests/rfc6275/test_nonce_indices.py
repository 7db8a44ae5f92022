"""Nonces that are too old, not known, or another's (RFC 6275 sections 5.2.7, 9.5.1 and 9.5.4)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playbook import COA, HOA, MAX_NONCE_LIFETIME, Scene, Tokens, Update

from mipsh.wire.mobility import ACKNOWLEDGE, NonceIndices

UNKNOWN = 0xFFFF
HOME_EXPIRED, CARE_OF_EXPIRED, BOTH_EXPIRED = 136, 137, 138


def home_is_old(scene: Scene) -> Tokens:
    """Do the home test, wait until its nonce has ended, do the care-of test."""
    home = scene.hot()
    scene.wait(MAX_NONCE_LIFETIME)
    care_of = scene.cot()
    return Tokens(home.nonce_index, home.token, care_of.nonce_index, care_of.token)


def care_of_is_old(scene: Scene) -> Tokens:
    """Do the care-of test, wait until its nonce has ended, do the home test."""
    care_of = scene.cot()
    scene.wait(MAX_NONCE_LIFETIME)
    home = scene.hot()
    return Tokens(home.nonce_index, home.token, care_of.nonce_index, care_of.token)


def both_are_old(scene: Scene) -> Tokens:
    """Do both tests, wait until their nonces have ended."""
    tokens = scene.rr()
    scene.wait(MAX_NONCE_LIFETIME)
    return tokens


def older(scene: Scene) -> Tokens:
    """Do both tests, and poll until both indices have changed."""
    tokens = scene.rr()
    for _ in range(21):
        scene.wait(10)
        scene.hot(), scene.cot()
    assert scene.hot().nonce_index != tokens.home_index
    assert scene.cot().nonce_index != tokens.care_of_index
    return tokens


Ageing = Callable[[Scene], Tokens]


def away(tokens: Tokens) -> Update:
    """Return a deregistration from a foreign link."""
    return Update(tokens, s=2, lifetime=0, alt=HOA)


def at_home(tokens: Tokens) -> Update:
    """Return a deregistration from the home link."""
    return Update(tokens, s=2, lifetime=0, source=HOA, hao=None)


@pytest.mark.parametrize(
    ("age", "status", "flags"),
    [
        pytest.param(home_is_old, HOME_EXPIRED, 0, id="CN-2-5-3"),
        pytest.param(care_of_is_old, CARE_OF_EXPIRED, 0, id="CN-2-5-4"),
        pytest.param(both_are_old, BOTH_EXPIRED, 0, id="CN-2-5-5"),
        pytest.param(care_of_is_old, CARE_OF_EXPIRED, ACKNOWLEDGE, id="CN-4-3-1"),
    ],
)
def test_a_registration_with_nonces_that_ended(age: Ageing, status: int, flags: int) -> None:
    """Section 9.5.4: it is answered though no answer was asked for, and not authenticated."""
    scene = Scene()
    scene.acknowledged(Update(age(scene), flags=flags), status, proven=False)
    scene.chk0()


def test_cn_2_5_1__an_answer_that_was_not_asked_for() -> None:
    """Section 9.5.4: an update that is accepted is acknowledged only with the A bit."""
    scene = Scene()
    assert scene.send(Update(scene.rr(), flags=0).packet()) == []
    scene.chk_plus()


@pytest.mark.parametrize(
    ("age", "deregistration"),
    [
        pytest.param(home_is_old, at_home, id="CN-4-2-3"),
        pytest.param(both_are_old, away, id="CN-4-8-2"),
        pytest.param(both_are_old, at_home, id="CN-4-8-3"),
    ],
)
def test_a_deregistration_with_a_home_nonce_that_ended(age: Ageing, deregistration: Callable[[Tokens], Update]) -> None:
    """Section 9.5.1: status 136, as the care-of index does not count; the binding stays."""
    scene = Scene()
    scene.reg()
    tokens = age(scene)
    scene.acknowledged(deregistration(tokens), HOME_EXPIRED, proven=False)
    scene.chk_plus()


@pytest.mark.parametrize(
    ("age", "deregistration"),
    [
        pytest.param(care_of_is_old, away, id="CN-4-3-2"),
        pytest.param(care_of_is_old, at_home, id="CN-4-3-3"),
        pytest.param(older, away, id="CN-4-12-2"),
        pytest.param(older, at_home, id="CN-4-12-3"),
    ],
)
def test_a_deregistration_with_a_good_home_nonce(age: Ageing, deregistration: Callable[[Tokens], Update]) -> None:
    """Sections 5.2.7 and 9.5.1: an index that is not the newest is good, and the care-of index does not count."""
    scene = Scene()
    scene.reg()
    update = deregistration(age(scene))
    scene.accepted(update)
    if update.source == HOA:
        scene.chkh()
    else:
        scene.chk0()


@pytest.mark.parametrize(
    ("home", "care_of", "status"),
    [
        pytest.param(True, False, HOME_EXPIRED, id="CN-4-4-1"),
        pytest.param(False, True, CARE_OF_EXPIRED, id="CN-4-5-1"),
        pytest.param(True, True, BOTH_EXPIRED, id="CN-4-9-1"),
    ],
)
def test_a_registration_with_unknown_nonces(home: bool, care_of: bool, status: int) -> None:
    """Section 9.5.1: an index that never was is as one that ended."""
    scene = Scene()
    scene.acknowledged(Update(unknown(scene.rr(), home, care_of)), status, proven=False)
    scene.chk0()


@pytest.mark.parametrize(
    ("deregistration", "care_of"),
    [
        pytest.param(away, False, id="CN-4-4-2"),
        pytest.param(at_home, False, id="CN-4-4-3"),
        pytest.param(at_home, True, id="CN-4-9-3"),
    ],
)
def test_a_deregistration_with_an_unknown_home_nonce(deregistration: Callable[[Tokens], Update], care_of: bool) -> None:
    """Section 9.5.1: status 136 whatever the care-of index; the binding stays."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.acknowledged(deregistration(unknown(tokens, True, care_of)), HOME_EXPIRED, proven=False)
    scene.chk_plus()


def test_cn_4_5_3__a_deregistration_with_an_unknown_care_of_nonce() -> None:
    """Section 9.5.1: the care-of index does not count."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.accepted(at_home(unknown(tokens, False, True)))
    scene.chkh()


def test_cn_4_6_1__a_registration_with_a_wrong_token() -> None:
    """Section 9.5.1: silence."""
    scene = Scene()
    scene.silence(Update(wrong(scene.rr())).packet())
    scene.chk0()


@pytest.mark.parametrize("deregistration", [pytest.param(away, id="CN-4-6-2"), pytest.param(at_home, id="CN-4-6-3")])
def test_a_deregistration_with_a_wrong_token(deregistration: Callable[[Tokens], Update]) -> None:
    """Section 9.5.1: silence; the binding stays."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.silence(deregistration(wrong(tokens)).packet())
    scene.chk_plus()
    scene.chkh_plus(HOA, COA)


def test_cn_4_12_1__a_registration_with_older_nonces() -> None:
    """Section 5.2.7: good for as long as they live."""
    scene = Scene()
    scene.accepted(Update(older(scene)))
    scene.chk_plus()


def test_rejections_are_limited_for_each_source() -> None:
    """An update that is refused can be repeated by anyone; others are answered meanwhile."""
    scene = Scene()
    update = Update(scene.rr(), indices=NonceIndices(UNKNOWN, UNKNOWN))
    assert sum(len(scene.send(update.packet())) for _ in range(50)) == 10
    scene.accepted(Update(scene.rr()))


def unknown(tokens: Tokens, home: bool, care_of: bool) -> Tokens:
    """Return tokens with indices that the correspondent does not know."""
    return replace(
        tokens,
        home_index=UNKNOWN if home else tokens.home_index,
        care_of_index=UNKNOWN if care_of else tokens.care_of_index,
    )


def wrong(tokens: Tokens) -> Tokens:
    """Return tokens of which the home token is made up."""
    return replace(tokens, home=b"\xff" * 8)
