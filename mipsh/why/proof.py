"""Whether a packet that was seen went as predicted: the same way, and with the same headers where both are known."""

from msgspec import Struct

from mipsh.why.steps import Answer, Prediction, Way

NAMES = ("source", "destination", "Home Address option", "routing header")


class Verdict(Struct, frozen=True):
    """Whether the packet went as predicted, and what of its headers is not the same."""

    answer: Answer
    differs: tuple[str, ...] = ()


def compare(found: Prediction, seen: Way, headers: tuple[str, str, str, str]) -> Verdict:
    """Compare a prediction with the way that a packet went.

    ``headers`` are the outermost source and destination, the home address of the option and of the routing
    header; a packet in a tunnel has those of neither outside.
    """
    if Way.UNKNOWN in (found.way, seen):
        return Verdict(Answer.UNKNOWN)
    if found.way is not seen:
        return Verdict(Answer.NO)
    said = found.headers
    wanted = [said.outer_source, said.outer_destination]
    if seen is Way.RO:
        wanted += [said.home_address, said.routed_to]
    differs = tuple(
        f"{name} {there}, not {asked}"
        for name, there, asked in zip(NAMES, headers, wanted, strict=False)
        if there and asked and there != asked
    )
    return Verdict(Answer.NO if differs else Answer.YES, differs)
