"""Whatever the frames are, there is an answer, and it is never a wrong one."""

from itertools import product

from echo_frames import CORRESPONDENT, ECHO, MOBILE
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_classify import REPLIES, REQUESTS, SURE

from mipsh.paths.classify import Circumstances, classify
from mipsh.paths.echo import Echo, Frame, Known, Route
from mipsh.wire import pcap

LINKTYPES = (*pcap.LINKTYPES, 0, 147)
BYTES = st.binary(max_size=200)
FRAMES = st.builds(
    Frame,
    st.floats(0, 100),
    st.sampled_from(("eth0", "mip0", "")),
    st.sampled_from(LINKTYPES),
    BYTES | st.builds(lambda head, tail: head + tail, st.sampled_from([b"", b"\x60"]), BYTES),
    st.sampled_from((None, True, False)),
    st.sampled_from((None, 1, 769, 65534)),
    st.booleans(),
)
PAIRS = [*product(SURE, (*SURE, "none"))]


@given(st.lists(FRAMES, max_size=6), st.sampled_from((MOBILE, CORRESPONDENT, Known())))
@settings(max_examples=300)
def test_any_bytes_have_an_answer(frames: list[Frame], known: Known) -> None:
    """Bytes without sense are never an echo that went some way."""
    found = classify(ECHO, frames, known)
    assert {found.request.route, found.reply.route} <= {Route.NONE, Route.UNKNOWN}


@given(st.sampled_from(PAIRS), st.data())
@settings(max_examples=400)
def test_frames_that_are_cut_and_out_of_order_make_no_wrong_class(pair: tuple[str, str], data: st.DataObject) -> None:
    """Each half is what it was, or it is not known."""
    whole = [*REQUESTS[pair[0]], *REPLIES[pair[1]]]
    cut = [_cut(frame, data.draw(st.integers(0, len(frame.data)))) for frame in data.draw(st.permutations(whole))]
    found = classify(ECHO, cut, MOBILE, Circumstances(is_answered=pair[1] != "none"))
    assert found.request.route.value in (pair[0], "?")
    assert found.reply.route.value in (pair[1], "?")


@given(st.sampled_from(PAIRS), st.integers(0, 1000))
@settings(max_examples=100)
def test_whole_frames_are_told_in_any_order(pair: tuple[str, str], seed: int) -> None:
    """Their times say what was first, not their order."""
    whole = [*REQUESTS[pair[0]], *REPLIES[pair[1]]]
    turned = whole[seed % len(whole) :] + whole[: seed % len(whole)]
    assert classify(ECHO, turned, MOBILE).name == ":".join(pair)


@given(st.sampled_from(PAIRS), st.data())
@settings(max_examples=400)
def test_frames_whose_bytes_were_changed_have_an_answer(pair: tuple[str, str], data: st.DataObject) -> None:
    """One byte that is not what it was: no exception."""
    frames = [*REQUESTS[pair[0]], *REPLIES[pair[1]]]
    number = data.draw(st.integers(0, len(frames) - 1))
    changed = bytearray(frames[number].data)
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    frames[number] = replace(frames[number], data=bytes(changed))
    assert classify(ECHO, frames, MOBILE).name


@given(st.sampled_from(PAIRS), st.binary(min_size=16, max_size=16), st.integers(0, 0xFFFF))
@settings(max_examples=50)
def test_frames_of_another_echo_are_not_taken_for_it(pair: tuple[str, str], peer: bytes, identifier: int) -> None:
    """Another peer or another identifier: nothing of it is this echo's way."""
    other = Echo(ECHO.source, peer, identifier, ECHO.sequence, ECHO.token, ECHO.size)
    if (peer, identifier) == (ECHO.destination, ECHO.identifier):
        return
    found = classify(other, [*REQUESTS[pair[0]], *REPLIES[pair[1]]], MOBILE)
    assert {found.request.route, found.reply.route} <= {Route.NONE, Route.UNKNOWN}


def _cut(frame: Frame, length: int) -> Frame:
    return replace(frame, data=frame.data[:length], is_whole=length == len(frame.data))
