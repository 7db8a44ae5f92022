"""``bc add`` and ``bc del`` on a node's terminal: mip6d's grammar, its answers to mistakes, and what they do."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_world import TurningLoop, optimised

from mipsh.engine import BindingRequest
from mipsh.lab.topology import HOME_AGENT_ADDRESS, Lab
from mipsh.mobility.effects import InstallBinding, RemoveBinding
from mipsh.node.vt import VtSession
from mipsh.node.vt_bindings import USAGE
from mipsh.node.vt_front import NodeResponder
from mipsh.plugins.engines.umip_bindings import add_line, delete_line
from mipsh.wire.address import parse, text

HA, HOA, COA = text(HOME_AGENT_ADDRESS), "2001:db8:1::300", "2001:db8:2::300"
ADD = f"bc add hoa {HOA} coa {COA} local {HA} flags AH lifetime 600 seq auto dad never"
DELETE = f"bc del hoa {HOA} local {HA} flags H"


class Terminal:
    """A terminal in front of a node; what it causes is remembered."""

    def __init__(self, lab: Lab | None = None, name: str = "ha") -> None:
        self.lab = lab or optimised()
        self.loop = TurningLoop()
        self.loop.close()
        node, clock = self.lab.node(name), self.lab.network.clock
        self.session = VtSession(NodeResponder(node, self.loop.perform, lambda: clock.now))

    def say(self, line: str, end: str = "\r\n") -> str:
        """Return the answer to a line, without prompt and NUL."""
        reply = self.session.reply(f"{line}{end}".encode("latin-1"))
        assert reply is not None
        return reply.decode("latin-1").removesuffix("mip6d> \0")

    def row(self, home: str = HOA) -> Any:
        """Return the entry of a home address."""
        agent = self.lab.node("ha").roles.home_agent
        assert agent is not None
        return agent.cache.get(parse(home))


def test_a_binding_is_added_and_deleted() -> None:
    """As mip6d says it."""
    at = Terminal()
    assert at.say(ADD) == "bc status=0\n"
    assert InstallBinding(parse(HOA), parse(COA), HOME_AGENT_ADDRESS, True) in at.loop.performed
    assert (at.row().lifetime_s, at.row().sequence) == (600.0, 0)
    assert f"coa {COA.replace('::', ':0:0:0:0:')}" in at.say("bc").replace("\x1b[0m", "")
    assert at.say(DELETE) == "bc status=0\n"
    assert RemoveBinding(parse(HOA), HOME_AGENT_ADDRESS) in at.loop.performed
    assert at.say(DELETE) == "bc status=133\n"


def test_the_connector_says_what_the_terminal_understands() -> None:
    """The lines of one are the other's."""
    at = Terminal()
    request = BindingRequest(HOA, COA, HA, 400, ("A", "H", "L"), 77)
    assert at.say(add_line(request)) == "bc status=0\n"
    assert (at.row().lifetime_s, at.row().sequence) == (400.0, 77)
    assert at.say(delete_line(HOA, HA)) == "bc status=0\n"


def test_duplicates_are_looked_for_unless_not_wanted() -> None:
    """The answer does not wait."""
    at = Terminal()
    assert at.say(ADD.removesuffix(" dad never")) == "bc status=0\n"
    assert at.row().state.name == "PROBING"
    assert at.say(DELETE) == "bc status=0\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("bc add", "missing hoa\n"),
        ("bc add hoa", USAGE),
        (f"bc add hoa {HOA}", "missing coa; required for adding\n"),
        (f"bc add hoa {HOA} coa {COA}", "missing local\n"),
        (f"bc add coa {COA} local {HA}", "missing hoa\n"),
        (f"bc add hoa {HOA} coa {COA} local {HA}", "lifetime is zero\n"),
        (f"bc add hoa {HOA} coa {COA} local {HA} lifetime 0", "lifetime is zero\n"),
        (f"bc del hoa {HOA} local {HA} flags H lifetime 4", "lifetime is not zero\n"),
        (f"bc del hoa {HOA}", "missing local\n"),
        (f"bc add hoa {HOA} coa {COA} local {HA} flags AH lifetime", USAGE),
        ("bc add hoa zz coa y", 'getaddrinfo: "zz" :Name or service not known\n'),
        ("bc add hoa 192.0.2.1", 'getaddrinfo: "192.0.2.1" :Name or service not known\n'),
        ("bc add flags AHQ", "invalid flag:Q\n"),
        ("bc add flags R", "invalid flag:R\n"),
        ("bc add lifetime x", "invalid integer:x\n"),
        ("bc add lifetime 08", "invalid integer:08\n"),
        ("bc add lifetime 0x", "invalid integer:0x\n"),
        ("bc add lifetime 18446744073709551615", "overflow:18446744073709551615\n"),
        ("bc add lifetime -18446744073709551616", "overflow:-18446744073709551616\n"),
        (f"bc add lifetime {'9' * 70}", f"overflow:{'9' * 70}\n"),
        ("bc add seq 65535", "sequence overflow\n"),
        ("bc add seq -1", "overflow:-1\n"),
        ("bc add seq -2", "sequence overflow\n"),
        ("bc add seq x", "invalid integer:x\n"),
        ("bc add dad maybe", 'either "want" or "never" is allowed for dad\n'),
        ("bc add bogus 1", f"invalid command:bogus\n{USAGE}"),
        (ADD.replace("flags AH", "flags A"), "bc error=22(Invalid argument)\n"),
        (ADD.replace("600", "3"), "bc error=22(Invalid argument)\n"),
        (ADD.replace("600", "262141"), "bc error=22(Invalid argument)\n"),
        (DELETE.replace("flags H", "flags -"), "bc error=22(Invalid argument)\n"),
        (ADD.replace(HOA, "2001:db8:99::1"), "bc status=132\n"),
        (ADD.replace(COA, "2001:db8:1::301"), "bc status=174\n"),
        ("bc help", "add del\n"),
        ("bc x", 'unknown command: "x"\n'),
        ("hal add", 'unknown command: "add"\n'),
    ],
)
def test_mistakes(line: str, answer: str) -> None:
    """Each has mip6d's words, and nothing is done."""
    at = Terminal()
    assert at.say(line) == answer
    assert not at.loop.performed


@pytest.mark.parametrize("number", ["0x258", "01130", "+600", "600"])
def test_numbers_are_read_as_c_does(number: str) -> None:
    """Hexadecimal, octal and with a sign."""
    at = Terminal()
    assert at.say(ADD.replace("600", number)) == "bc status=0\n"
    assert at.row().lifetime_s == int("600")


def test_a_last_word_without_white_space_is_not_seen() -> None:
    """As mip6d: its usage, whatever the line says; a mistake before that comes first."""
    at = Terminal()
    assert at.say(ADD, "\n") == USAGE
    assert at.say("bc add flags Q dad never", "\n") == "invalid flag:Q\n"
    assert at.say("bc add", "\n") == "missing hoa\n"


@pytest.mark.parametrize("name", ["mn", "cn"])
def test_only_a_home_agent_has_the_commands(name: str) -> None:
    """Others do not know them."""
    assert Terminal(name=name).say(ADD) == 'unknown command: "add"\n'


def test_what_mip6d_said_is_said_here() -> None:
    """The recorded answers of a home agent to lines that end in a bare newline."""
    at = Terminal()
    said = {command: reply for command, reply, _ in recorded() if command.startswith(("bc add", "bc del"))}
    assert len(said) > 5
    for command, reply in said.items():
        body = reply.removeprefix("mip6d> ").removesuffix("mip6d> \0")
        answer = at.say(command, "\n")
        assert answer.partition(" :")[0] == body.partition(" :")[0]


def recorded() -> list[tuple[str, str, float]]:
    """Return the commands and answers of a recorded home agent."""
    path = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "events" / "ha-ctl.json"
    return [tuple(exchange) for exchange in json.loads(path.read_text("utf-8"))]


@given(st.lists(st.sampled_from([*ADD.split(), "del", "help", "-", "x" * 5000, "0x", "\xff"]) | st.text(max_size=9)))
def test_any_words(words: list[str]) -> None:
    """Whatever is said after the command, there is an answer."""
    line = " ".join(["bc", *words]).encode("latin-1", "replace").decode("latin-1")
    assert isinstance(TERMINAL.say(line), str)


TERMINAL = Terminal()
