"""What an ICMPv6 error says of an echo, in words (RFC 4443 section 3, RFC 6275 section 11.3.5)."""

from collections.abc import Mapping

from mipsh.wire.icmpv6 import DestinationUnreachable, Error, PacketTooBig, ParameterProblem, TimeExceeded

UNREACHABLE: Mapping[int, str] = {
    0: "no route to the destination",
    1: "administratively prohibited: a filter dropped it",
    2: "beyond the scope of its source address",
    3: "address unreachable: nobody there answers Neighbour Solicitations",
    4: "port unreachable",
    5: "its source address is against a policy: reverse tunnelling may be needed",
    6: "the route rejects it",
}
EXCEEDED: Mapping[int, str] = {
    0: "the hop limit ran out on the way",
    1: "fragments did not all come in time",
}
PROBLEMS: Mapping[int, str] = {
    0: "a header field is wrong",
    1: "a next header is not known there: an end that knows no Mobility Header answers so",
    2: "an option is not known there: an end that knows no Home Address option answers so",
}


def words(error: Error) -> str:
    """Return an error in words."""
    match error:
        case DestinationUnreachable():
            return UNREACHABLE.get(error.code, f"destination unreachable, code {error.code}")
        case PacketTooBig():
            return f"too large for a link on the way, which takes {error.value} bytes"
        case TimeExceeded():
            return EXCEEDED.get(error.code, f"time exceeded, code {error.code}")
        case ParameterProblem():
            return f"{PROBLEMS.get(error.code, f'parameter problem, code {error.code}')} (offset {error.value})"
