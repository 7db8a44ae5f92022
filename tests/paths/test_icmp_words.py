"""ICMPv6 errors about echoes are said in words, those that nobody has heard of included."""

import pytest

from mipsh.paths.icmp_words import words
from mipsh.wire.icmpv6 import DestinationUnreachable, Error, PacketTooBig, ParameterProblem, TimeExceeded


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DestinationUnreachable(0, 0, b""), "no route"),
        (DestinationUnreachable(3, 0, b""), "address unreachable"),
        (DestinationUnreachable(99, 0, b""), "code 99"),
        (PacketTooBig(0, 1280, b""), "1280 bytes"),
        (TimeExceeded(0, 0, b""), "hop limit"),
        (TimeExceeded(9, 0, b""), "code 9"),
        (ParameterProblem(1, 40, b""), "Mobility Header"),
        (ParameterProblem(2, 42, b""), "offset 42"),
        (ParameterProblem(9, 0, b""), "code 9"),
    ],
)
def test_an_error_in_words(error: Error, said: str) -> None:
    """What it means for an echo."""
    assert said in words(error)
