"""The signalling that makes a path an optimised one, as it was seen on the links beside echoes."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from mipsh.errors import MipshError
from mipsh.linux.witness import Seen, Witness
from mipsh.wire import mobility

NAMES: Mapping[type, str] = {
    mobility.HomeTestInit: "HoTI",
    mobility.CareOfTestInit: "CoTI",
    mobility.HomeTest: "HoT",
    mobility.CareOfTest: "CoT",
    mobility.BindingUpdate: "BU",
    mobility.BindingAcknowledgement: "BA",
}
CARE_OF_TESTS = mobility.CareOfTestInit, mobility.CareOfTest
MOST_AT_ONCE = 256


class EchoSignals:
    """Notes when each message between two ends was seen first; raises RefusedError without CAP_NET_RAW.

    ``began`` is the moment, of ``time.monotonic``, from which times are counted.
    """

    def __init__(self, source: str, destination: str, began: float) -> None:
        self._ends = source, destination
        self._began = began
        self._first: dict[str, float] = {}
        self._witness: Witness | None = Witness()

    def take(self) -> None:
        """Take note of what came; a witness that fails has seen what it has seen."""
        if self._witness is None:
            return
        try:
            for _ in range(MOST_AT_ONCE):
                seen = self._witness.next(0.0)
                if seen is None:
                    return
                self._note(seen)
        except MipshError:
            self._witness.close()
            self._witness = None

    def _note(self, seen: Seen) -> None:
        name = NAMES.get(type(seen.message))
        if name is not None and seen.is_sound and self._is_between(seen):
            self._first.setdefault(name, seen.monotonic - self._began)

    def _is_between(self, seen: Seen) -> bool:
        """Tell whether a message is between the two ends; a care-of test is from an address that neither is."""
        source, destination = self._ends
        named = seen.source, seen.destination, seen.home_address
        return destination in named or (isinstance(seen.message, CARE_OF_TESTS) and source in named)

    def until(self, seconds: float) -> list[tuple[str, float]]:
        """Return the messages in order, each with its time, of those that came before a time."""
        return sorted(((n, at) for n, at in self._first.items() if 0 <= at <= seconds), key=lambda item: item[1])

    def close(self) -> None:
        """See no more; harmless when that is done."""
        if self._witness is not None:
            self._witness.close()

    def __enter__(self) -> Self:
        """Return the signals."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
