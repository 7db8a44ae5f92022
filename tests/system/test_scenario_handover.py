"""Mobile nodes that move while there is traffic: echoes, a file by TCP, and each other as they both move."""

import hashlib
import itertools
import random
import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, GAP_S, LONGEST_S, Scenario, scenario

pytestmark = [pytest.mark.system, needs_root]
LONGEST_GAP_S = GAP_S + 0.45
"""A handover without duplicate address detection takes some 20 ms; this is for machines that are busy."""
RETRANSMIT_S = 1.0
HANDOVERS = 10
PORT = 5001
BLOCK, PAUSE_S = 16_384, 0.002
LEAST_BYTES, LEAST_BETWEEN = 5 << 20, 512 << 10
PLACES = ("foreign2", "foreign1", "home")


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(mobile_nodes=2) as built:
        yield built


def _other(lab: Scenario, name: str) -> str:
    (link,) = lab.node(name).links.values()
    return "foreign2" if link == "foreign1" else "foreign1"


@pytest.mark.parametrize("sender", ["cn", "mn"])
def test_echoes_go_on(lab: Scenario, sender: str) -> None:
    """The silence is short, few are lost, and the route is direct again; both from and to the mobile node."""
    lab.settle("mn", "foreign1")
    echoes = lab.pinging(sender, lab.home_address("mn") if sender == "cn" else CORRESPONDENT)
    lab.await_direct("mn")
    echoes.await_answers(20)
    lab.settle("mn", "foreign2")
    lab.await_direct("mn", longest_s=5.0)
    echoes.await_answers(50)
    found = echoes.end()
    assert GAP_S < found.gap_s < LONGEST_GAP_S
    assert found.lost < LONGEST_GAP_S / 0.01


def test_echoes_go_on_on_the_way_home(lab: Scenario) -> None:
    """There and away again."""
    lab.settle("mn", "foreign1")
    echoes = lab.pinging("cn", lab.home_address("mn"))
    lab.await_direct("mn")
    echoes.await_answers(20)
    lab.settle("mn", "home")
    echoes.await_answers(50)
    lab.settle("mn", "foreign1")
    echoes.await_answers(50)
    lab.await_direct("mn")
    found = echoes.end()
    assert GAP_S < found.gap_s < LONGEST_GAP_S
    assert found.lost < 2 * LONGEST_GAP_S / 0.01


class Transfer:
    """Random bytes by TCP from one node to another, until enough; both ends keep a hash of them."""

    def __init__(self, lab: Scenario, sender: str, receiver: str, address: str) -> None:
        self.received = 0
        self.hashes = hashlib.sha256(), hashlib.sha256()
        self._ends = threading.Event()
        self._failed: list[OSError] = []
        listener = lab.inside(receiver, lambda: socket.create_server(("::", PORT), family=socket.AF_INET6))
        with listener:
            listener.settimeout(LONGEST_S)
            self._out = lab.inside(sender, lambda: socket.create_connection((address, PORT), LONGEST_S))
            self._in, _ = listener.accept()
        self._in.settimeout(LONGEST_S)
        self._threads = [threading.Thread(target=work) for work in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        data = random.Random(6275)
        with self._out:
            try:
                while not self._ends.wait(PAUSE_S):
                    block = data.randbytes(BLOCK)
                    self.hashes[0].update(block)
                    self._out.sendall(block)
                self._out.shutdown(socket.SHUT_WR)
                self._out.recv(1)
            except OSError as error:
                self._failed.append(error)

    def _receive(self) -> None:
        with self._in:
            try:
                while data := self._in.recv(BLOCK):
                    self.hashes[1].update(data)
                    self.received += len(data)
            except OSError as error:
                self._failed.append(error)

    def has(self, wanted: int) -> bool:
        """Tell whether so many bytes came."""
        return self.received >= wanted

    def end(self) -> None:
        """Send no more, and wait until all is there."""
        self._ends.set()
        for thread in self._threads:
            thread.join()
        assert self._failed == []


@pytest.mark.parametrize(("sender", "receiver"), [("cn", "mn"), ("mn", "cn")])
def test_a_transfer_survives_ten_handovers(lab: Scenario, sender: str, receiver: str) -> None:
    """By way of both foreign links and home; what comes is what was sent."""
    lab.settle("mn", "foreign1")
    transfer = Transfer(lab, sender, receiver, lab.home_address("mn") if receiver == "mn" else CORRESPONDENT)
    try:
        for link in itertools.islice(itertools.cycle(PLACES), HANDOVERS):
            wanted = transfer.received + LEAST_BETWEEN
            lab.until(partial(transfer.has, wanted), "more of the transfer")
            lab.settle("mn", link)
    finally:
        transfer.end()
    sent, received = (found.hexdigest() for found in transfer.hashes)
    assert transfer.received >= LEAST_BYTES
    assert sent == received


def _both_move(lab: Scenario) -> None:
    moves = [threading.Thread(target=lab.move, args=(name, _other(lab, name))) for name in ("mn", "mn2")]
    for move in moves:
        move.start()
    for move in moves:
        move.join()


def test_two_that_move_talk(lab: Scenario) -> None:
    """Both move at the same time, again and again; they find each other, by their home agents or directly.

    A Care-of Test Init that comes while the other one is on no link is repeated after a second.
    """
    lab.settle("mn", "foreign1")
    lab.settle("mn2", "foreign2")
    echoes = lab.pinging("mn", lab.home_address("mn2"))
    for one, other in (("mn", "mn2"), ("mn2", "mn")):
        lab.await_direct(one, other)
    echoes.await_answers(20)
    for _ in range(3):
        _both_move(lab)
        for name in ("mn", "mn2"):
            lab.await_registered(name)
        echoes.await_answers(30)
    for one, other in (("mn", "mn2"), ("mn2", "mn")):
        lab.await_direct(one, other)
    echoes.await_answers(20)
    found = echoes.end()
    assert found.gap_s < RETRANSMIT_S + LONGEST_GAP_S
    assert found.lost < 3 * (RETRANSMIT_S + LONGEST_GAP_S) / 0.01
