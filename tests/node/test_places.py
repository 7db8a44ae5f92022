"""Where the fields of a file stand."""

import pytest

from mipsh.node.places import Place, find, in_toml

TEXT = """name = "x"
tun.name = "t"

[[interfaces]]
name = "a"
[interfaces.advertise]
"home_agent" = true
[[interfaces.advertise.prefixes]]
prefix = 1

[[interfaces]]
name = "b"
[ correspondent ]
max_bindings = 3
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("name", 1),
        ("tun", 2),
        ("tun.name", 2),
        ("tun.mtu", 2),
        ("interfaces[0]", 4),
        ("interfaces[0].name", 5),
        ("interfaces[0].advertise.home_agent", 7),
        ("interfaces[0].advertise.prefixes[0].prefix", 9),
        ("interfaces[0].advertise.prefixes[0].valid_s", 8),
        ("interfaces[1].name", 12),
        ("interfaces[1].addresses[3]", 11),
        ("correspondent.max_bindings", 14),
        ("home_agent.links[0]", 1),
        ("", 1),
    ],
)
def test_a_field_is_found(field: str, line: int) -> None:
    """Itself, or else the table that it would be in."""
    assert find(in_toml(TEXT), field) == Place(line)


def test_places_are_written_as_compilers_do() -> None:
    """The file, the line, and the column where it is known."""
    assert Place(3).of("f") == "f:3"
    assert Place(3, 7).of("f") == "f:3:7"
