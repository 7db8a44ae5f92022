"""Every echo of mip6d's captures goes the way that was written down from tshark's fields."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import derive_expected
import pytest

from mipsh.paths.classify import classify
from mipsh.paths.echo import Echo, Frame, Known
from mipsh.wire import pcap
from mipsh.wire.address import parse

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
EXPECTED = Path(__file__).parent / "expected"
NODES = {
    "mn": Known(
        frozenset(
            parse(address)
            for address in (
                "2001:db8:1::100",
                "2001:db8:2:0:f809:44ff:fec8:30f9",
                "2001:db8:3:0:f809:44ff:fec8:30f9",
            )
        ),
        frozenset({parse("2001:db8:1::100")}),
    ),
    "cn": Known(frozenset({parse("2001:db8:4::2")})),
    "r1": Known(),
}


def frames(name: str) -> list[Frame]:
    """Return all frames of a capture."""
    capture = pcap.read((CAPTURES / f"{name}.pcap").read_bytes())
    return [Frame(time_ns / 1e9, "", capture.linktype, data) for time_ns, data in capture]


def rows(name: str) -> Iterator[tuple[Echo, str]]:
    """Yield each echo that was written down, with its path."""
    for line in (EXPECTED / f"{name}.tsv").read_text(encoding="ascii").splitlines()[1:]:
        source, destination, identifier, sequence, asked, answered = line.split("\t")
        yield (
            Echo(parse(source), parse(destination), int(identifier), int(sequence), size=56),
            f"{asked}:{answered}",
        )


@pytest.mark.parametrize("name", NODES)
def test_every_echo_of_the_captures(name: str) -> None:
    """On the mobile node, at the correspondent, and on the router in between, with nothing known of that one."""
    heard = frames(name)
    found = [(echo.sequence, classify(echo, heard, NODES[name]).name) for echo, _ in rows(name)]
    assert found == [(echo.sequence, path) for echo, path in rows(name)]
    assert len(found) > 20


@pytest.mark.parametrize("name", NODES)
def test_the_table_is_what_tshark_says(name: str) -> None:
    """It can be derived again."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    assert derive_expected.main(str(CAPTURES / f"{name}.pcap")) == (EXPECTED / f"{name}.tsv").read_text("ascii")
