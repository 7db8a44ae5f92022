"""Files of the largest size that are made to take long: each is read, linted and compared in bounded time."""

import time
from collections.abc import Iterator

import pytest
from config_texts import CN, HA, MN, linted, whole

from mipsh.config_files import mip6d, radvd
from mipsh.config_files.compare import compare
from mipsh.config_files.findings import MOST_FINDINGS
from mipsh.config_files.pairs import between
from mipsh.config_files.syntax import LARGEST_BYTES

LONGEST_S = 60


def repeated(line: str, size: int = LARGEST_BYTES - 1000) -> str:
    """Return a line again and again, each time with another number and address."""

    def lines() -> Iterator[str]:
        length = number = 0
        while length < size - 2 * len(line):
            found = line.replace("NUMBER", str(number)).replace(
                "ADDRESS", f"2001:db8::{number >> 16:x}:{number % 65536:x}"
            )
            length, number = length + len(found), number + 1
            yield found

    return "".join(lines())


HALF = LARGEST_BYTES // 2 - 1000
TEXTS = {
    "unknown options": repeated("DebugLevle NUMBER;\n"),
    "one unknown option": repeated("DebugLevle 0;\n"),
    "values": f"NodeConfig {repeated('a ')};",
    "semicolons": repeated(";"),
    "admissions": HA + repeated("BindingAclPolicy ADDRESS allow;\n"),
    "home links": "NodeConfig MN;" + repeated('MnHomeLink "eNUMBER" { HomeAddress ADDRESS/64; }\n'),
    "pairs": "NodeConfig HA; IPsecPolicySet { HomeAgentAddress ::1;"
    + repeated("HomeAddress ADDRESS/64;", HALF)
    + repeated("IPsecPolicy Mh UseESP NUMBER;", HALF)
    + "}",
    "interfaces": repeated("interface eNUMBER { AdvSendAdvert on; prefix ADDRESS/64 { AdvRouterAddr on; }; };"),
    "includes": repeated('include "/xNUMBER"\n'),
    "a list": f"BindingAclPolicy ::1 ({repeated('ADDRESS/64,')}::/64) allow;",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_takes_seconds(text: str) -> None:
    """And there are no more findings than anyone would read."""
    began = time.monotonic()
    assert len(linted(text)) <= MOST_FINDINGS + 1
    found = whole(text)
    compare(found, whole(CN))
    compare(whole(CN), found)
    conf = radvd.understand(found) if radvd.is_radvd(found) else mip6d.understand(found)
    others = [mip6d.understand(whole(other)) for other in (MN, HA)]
    assert all(one.place.line for one in between([conf, *others]))
    assert time.monotonic() - began < LONGEST_S


def test_many_findings_are_said_to_be_more() -> None:
    """Those that are told are the first."""
    found = linted(repeated("DebugLevle 0;\n"))
    assert [one.code for one in found].count("too-many") == 1
