"""The steps of a prediction: a question each, its answer, the evidence, and what to do about a no."""

from enum import StrEnum

from msgspec import Struct, structs


class Answer(StrEnum):
    """The three verdicts."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "could_not_tell"


class Way(StrEnum):
    """The way of a packet, as what is seen of one on a link is called."""

    RO = "ro"
    TUNNEL = "tunnel"
    DIRECT = "direct"
    NONE = "none"
    UNKNOWN = "?"


class Step(Struct, frozen=True):
    """A question on the way to a prediction.

    ``decides`` marks the rule that the prediction comes from. ``is_needed`` is set where the prediction is not
    certain as long as this could not be told. ``reference`` is the clause, or the manual.
    """

    question: str
    answer: Answer
    evidence: str
    advice: str = ""
    reference: str = ""
    decides: bool = False
    is_needed: bool = False


class Headers(Struct, frozen=True):
    """What a packet has around it when it leaves: outer ends, Home Address option, type 2 routing header.

    ``routed_to`` is the home address in the routing header, ``routed_to_address`` the care-of address by which
    it goes there; a packet in a tunnel has them inside.
    """

    outer_source: str = ""
    outer_destination: str = ""
    home_address: str = ""
    routed_to: str = ""
    routed_to_address: str = ""


class Prediction(Struct, frozen=True):
    """The way that the next packet takes, and why.

    ``because`` is the rule in words, ``then`` what happens besides. ``route`` is the source and the destination
    that routing is asked for.
    """

    way: Way
    because: str
    source: str
    headers: Headers = Headers()
    then: str = ""
    steps: tuple[Step, ...] = ()
    route: tuple[str, str] | None = None

    @property
    def unknown(self) -> tuple[Step, ...]:
        """The steps that could not be told and that the prediction needs."""
        return tuple(step for step in self.steps if step.is_needed and step.answer is Answer.UNKNOWN)

    @property
    def is_certain(self) -> bool:
        """Tell whether nothing is missing."""
        return self.way is not Way.UNKNOWN and not self.unknown

    @property
    def rule(self) -> Step | None:
        """The step that decides."""
        return next((step for step in self.steps if step.decides), None)

    @property
    def missing(self) -> Step | None:
        """The first step whose answer is no and about which something can be done."""
        return next((step for step in self.steps if step.answer is Answer.NO and step.advice), None)


class Trail:
    """The steps as they are taken."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, step: Step) -> Answer:
        """Take a step; return its answer."""
        self.steps.append(step)
        return step.answer

    def decide(
        self, way: Way, because: str, source: str, headers: Headers, *, then: str = "", at: str = ""
    ) -> Prediction:
        """Return the prediction; the step with the question ``at``, or the last one, is the rule."""
        index = next((i for i, step in enumerate(self.steps) if step.question == at), len(self.steps) - 1)
        steps = [_marked(step) if i == index else step for i, step in enumerate(self.steps)]
        return Prediction(way, because, source, headers, then, tuple(steps))


def _marked(step: Step) -> Step:
    return structs.replace(step, decides=True)


def seconds(value: float | None) -> str:
    """Return a time in words."""
    return "an unknown time" if value is None else f"{value:.0f} s"
