"""What one client of the control socket says and hears: lines in, lines out, without a socket.

Whatever a line holds, it is answered, and nothing is raised but for a bug. One line is answered in
the time that a page of a table takes.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, structs

from mipsh import __version__
from mipsh.mobility.effects import Effect
from mipsh.mobility.node import Node
from mipsh.node import control_actions, readings
from mipsh.node.control_actions import Refusal
from mipsh.node.impaired_port import Impairment
from mipsh.node.protocol import (
    ENGINE,
    VERSION,
    AddBinding,
    Code,
    DeleteBinding,
    Done,
    Event,
    Flush,
    Hello,
    Nothing,
    Notification,
    Page,
    Problem,
    Reply,
    Request,
    SetImpairment,
    SetLink,
    Trigger,
)
from mipsh.wire import address as addresses

PAGE_ROWS, PAGE_SIZE = 128, 40 * 1024
"""A page has no more rows, and no more bytes but for its last row."""
VERBS = ("hello", "more", "set_link", "subscribe", "unsubscribe")
"""What every node does."""
IMPAIR = "set_impairment"
ACTIONS: dict[str, tuple[type[Any], Callable[[Node, Any, control_actions.Perform, float], Struct]]] = {
    control_actions.TRIGGER: (Trigger, control_actions.trigger),
    control_actions.ADD: (AddBinding, control_actions.add),
    control_actions.DELETE: (DeleteBinding, control_actions.delete),
    control_actions.FLUSH: (Flush, control_actions.flush),
}
"""What nodes do by their role: the parameters, and what does it."""

Clock = Callable[[], float]
Impair = Callable[[str, Impairment], None]
Params = TypeVar("Params", bound=Struct)

_ENCODER = msgspec.json.Encoder()


class ControlSession:
    """One client's side; ``perform`` carries out effects, ``set_link`` tells the node of a link.

    ``impair`` makes a link worse, where that can be done.

    ``is_subscribed`` says whether events are wanted.
    """

    def __init__(
        self,
        node: Node,
        perform: Callable[[Iterable[Effect]], None],
        set_link: Callable[[str, bool], None],
        clock: Clock = time.monotonic,
        impair: Impair | None = None,
    ) -> None:
        self.is_subscribed = False
        self._impair = impair
        verbs = (*VERBS, *control_actions.known_to(node))
        self._verbs = tuple(sorted(verbs if impair is None else (*verbs, IMPAIR)))
        self._node = node
        self._perform = perform
        self._set_link = set_link
        self._clock = clock
        self._listing: Iterator[Struct] = iter(())
        self._taken_at = 0.0
        self._sequence = 0
        self._lost = 0

    def answer(self, line: bytes) -> bytes:
        """Return the answer to a line, with its line end; nothing for a notification."""
        try:
            request = _request(line)
        except Refusal as refused:
            return _line(Reply("2.0", None, error=refused.problem))
        try:
            result = self._call(request)
        except Refusal as refused:
            return b"" if request.id is UNSET else _line(Reply("2.0", request.id, error=refused.problem))
        return b"" if request.id is UNSET else _line(Reply("2.0", request.id, result=Raw(_ENCODER.encode(result))))

    # Events.

    def event(self, told: Event) -> bytes:
        """Return the line that tells of an event."""
        self._sequence += 1
        event = structs.replace(told, sequence=self._sequence, lost=self._lost)
        self._lost = 0
        return _line(Notification("2.0", "event", event))

    def lose(self) -> None:
        """Count an event that does not get through."""
        self._sequence += 1
        self._lost += 1

    # Methods.

    def _call(self, request: Request) -> Struct:
        name, params = request.method, request.params
        kept = readings.of(self._node)
        if name in kept:
            _params(params, Nothing)
            now = self._clock()
            self._listing, self._taken_at = iter(kept[name](self._node, now)), time.time()
            return self._page()
        if name in readings.READINGS:
            raise Refusal(Code.NOT_KEPT, f"this {readings.role(self._node)} keeps no {name}")
        if name not in (*self._verbs, *ACTIONS):
            known = ", ".join((*kept, *self._verbs))
            raise Refusal(Code.NO_METHOD, f"there is no method '{name}'", f"there are: {known}")
        if name in ACTIONS:
            kind, act = ACTIONS[name]
            return act(self._node, _params(params, kind), self._perform, self._clock())
        if name == "set_link":
            return self._link(_params(params, SetLink))
        if name == IMPAIR:
            return self._make_worse(_params(params, SetImpairment))
        _params(params, Nothing)
        if name == "hello":
            return self._hello(tuple(kept))
        if name == "more":
            return self._page()
        self.is_subscribed, self._sequence, self._lost = name == "subscribe", 0, 0
        return Done("subscribed" if self.is_subscribed else "unsubscribed")

    def _hello(self, kept: tuple[str, ...]) -> Hello:
        role = readings.role(self._node)
        mobile_node = self._node.roles.mobile_node
        homes = () if mobile_node is None else tuple(map(addresses.text, mobile_node.home_addresses))
        return Hello(VERSION, ENGINE, __version__, self._node.name, role, kept, (*kept, *self._verbs), homes)

    def _page(self) -> Page:
        """Return the next rows of the listing: never so many that the node would be late for something."""
        rows: list[Raw] = []
        size = 0
        for row in self._listing:
            encoded = _ENCODER.encode(row)
            rows.append(Raw(encoded))
            size += len(encoded)
            if len(rows) >= PAGE_ROWS or size >= PAGE_SIZE:
                return Page(self._taken_at, tuple(rows), True)
        return Page(self._taken_at, tuple(rows))

    def _link(self, params: SetLink) -> Done:
        self._check_interface(params.interface)
        self._set_link(params.interface, params.up)
        return Done("up" if params.up else "down")

    def _make_worse(self, params: SetImpairment) -> Done:
        self._check_interface(params.interface)
        impairment = Impairment(params.loss, params.delay_s)
        if self._impair is not None:
            self._impair(params.interface, impairment)
        return Done("sound" if impairment == Impairment() else "impaired")

    def _check_interface(self, interface: str) -> None:
        if interface not in self._node.interfaces:
            known = ", ".join(self._node.interfaces)
            raise Refusal(Code.WRONG_PARAMS, f"there is no interface '{interface}'", f"there are: {known}")


def _request(line: bytes) -> Request:
    """Read a line; raises Refusal."""
    try:
        said = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refusal(Code.UNREADABLE, f"not JSON: {error}") from None
    if isinstance(said, list):
        raise Refusal(Code.NO_REQUEST, "batches are not answered", "send one request a line")
    try:
        return msgspec.convert(said, Request)
    except msgspec.ValidationError as error:
        raise Refusal(Code.NO_REQUEST, f"not a JSON-RPC 2.0 request: {error}") from None


def _params(said: dict[str, object], kind: type[Params]) -> Params:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise Refusal(Code.WRONG_PARAMS, f"wrong params: {error}") from None


def _line(message: Struct) -> bytes:
    return _ENCODER.encode(message) + b"\n"


def refusal(code: Code, message: str) -> bytes:
    """Return the line that answers what cannot be known to be a request."""
    return _line(Reply("2.0", None, error=Problem(code, message)))
