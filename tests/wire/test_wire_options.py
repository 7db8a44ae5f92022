"""Options are padded into the places where they must stand, and none is lost on the way."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import ACKNOWLEDGEMENT, AUTHENTICATOR, CARE_OF, FROM_HOME, HOME, HOME_UPDATE, UPDATE
from wire_strategies import UNHURRIED, mobility_messages, mobility_options

from mipsh.wire import mobility
from mipsh.wire.extension import ALIGNMENTS, DestinationOptions, HomeAddress
from mipsh.wire.mobility import MobilityHeader, OtherMessage
from mipsh.wire.tlv import Option, Pad1, PadN, UnknownOption, encode_options, lay_out, padding, read_options

Alignments = Mapping[type, tuple[int, int]]

RULES: Mapping[int, tuple[int, int]] = {2: (2, 0), 3: (8, 6), 4: (2, 0), 5: (8, 2), 6: (8, 4)}
"""Where a mobility option must stand (RFC 6275 sections 6.2.4 to 6.2.7, RFC 3963 section 4.3)."""


def places(options: Sequence[Option], start: int) -> dict[int, Option]:
    """Return options by offset, without the padding."""
    found, at = {}, start
    for option in options:
        if not isinstance(option, Pad1 | PadN):
            found[at] = option
        at += len(option.encode())
    return found


@UNHURRIED
@given(st.lists(mobility_options, max_size=8), st.integers(0, 40))
def test_options_stand_where_they_must(options: list[Option], start: int) -> None:
    """Every option is there, in its order, at its xn+y; the end is a multiple of 8; no padding is too long."""
    laid_out = lay_out(options, start, mobility.ALIGNMENTS)
    placed = places(laid_out, start)
    assert list(placed.values()) == options
    for at, option in placed.items():
        n, m = RULES.get(option.encode()[0], (1, 0))
        assert at % n == m
    data = encode_options(laid_out)
    assert (start + len(data)) % 8 == 0
    assert len(data) - len(encode_options(options)) <= 7 * (len(options) + 1)
    assert read_options(data, 0, len(data), mobility.OPTIONS, []) == laid_out


@UNHURRIED
@given(st.lists(st.builds(HomeAddress, st.binary(min_size=16, max_size=16)) | st.just(UnknownOption(5, b"\0\0"))))
def test_a_home_address_option_stands_at_8n_plus_6(options: list[Option]) -> None:
    """Counted from the beginning of its header (RFC 6275 section 6.3)."""
    laid_out = lay_out(options, 2, ALIGNMENTS)
    assert all(at % 8 == 6 for at, option in places(laid_out, 2).items() if isinstance(option, HomeAddress))
    assert list(places(laid_out, 2).values()) == options


@pytest.mark.parametrize(
    ("length", "options"),
    [(0, ()), (1, (Pad1(),)), (2, (PadN(),)), (3, (PadN(b"\0"),)), (7, (PadN(bytes(5)),))],
)
def test_padding(length: int, options: tuple[Option, ...]) -> None:
    """So many bytes, in one option."""
    assert padding(length) == options
    assert len(encode_options(padding(length))) == length


@UNHURRIED
@given(mobility_messages)
def test_a_message_that_is_padded_already_stays_as_it_is(message: mobility.Message) -> None:
    """Padding is not padded again."""
    if not isinstance(message, OtherMessage):
        assert mobility.padded(message) == message
    assert len(MobilityHeader(message).encode(bytes(16), bytes(16))) % 8 == 0


def test_the_messages_of_the_rfc() -> None:
    """The paddings that mip6d uses, too: none in a Binding Update to a correspondent, 4 bytes in its answer."""
    assert UPDATE.options == (mobility.NonceIndices(5, 6), mobility.AuthorizationData(AUTHENTICATOR))
    assert ACKNOWLEDGEMENT.options == (PadN(bytes(4)), mobility.AuthorizationData(AUTHENTICATOR))
    assert HOME_UPDATE.options[:2] == (PadN(), mobility.AlternateCareOfAddress(CARE_OF))
    assert DestinationOptions((PadN(bytes(2)), HomeAddress(HOME))) == FROM_HOME
