"""Configuration files that tests write: a folder of texts, and what is found in them."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

from mipsh.config_files import mip6d_lint, radvd
from mipsh.config_files.findings import Finding
from mipsh.config_files.including import Whole, read_whole
from mipsh.errors import CannotTell

MN = """NodeConfig MN;
UseCnBuAck enabled;
MnMaxCnConsecutiveResends 5;
MnDiscardHaParamProb enabled;
UseMnHaIPsec enabled;
Interface "eth0" { MnIfPreference 1; }
MnHomeLink "eth0" { HomeAgentAddress 2001:db8:1::1; HomeAddress 2001:db8:1::100/64; }
IPsecPolicySet {
  HomeAgentAddress 2001:db8:1::1;
  HomeAddress 2001:db8:1::100/64;
  IPsecPolicy Mh UseESP 10 11;
  IPsecPolicy ICMP UseESP 12 13;
}
"""
HA = """NodeConfig HA;
Interface "eth0";
UseMnHaIPsec enabled;
IPsecPolicySet {
  HomeAgentAddress 2001:db8:1::1;
  HomeAddress 2001:db8:1::100/64;
  IPsecPolicy Mh UseESP 10 11;
  IPsecPolicy ICMP UseESP 12 13;
}
"""
CN = "NodeConfig CN;\n"
RADVD = """interface eth0 {
  AdvSendAdvert on;
  MinRtrAdvInterval 1;
  MaxRtrAdvInterval 3;
  AdvHomeAgentFlag on;
  AdvHomeAgentInfo on;
  HomeAgentLifetime 1800;
  HomeAgentPreference 10;
  prefix 2001:db8:1::1/64 { AdvRouterAddr on; };
};
"""
"""Files of a network in which nothing is to be found."""


class Folder:
    """Files by name, as a configuration may be in; those without a text may not be read."""

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self.texts = texts

    def read(self, path: str) -> str:
        """Return a text."""
        found = self.texts.get(path)
        if found is None:
            raise CannotTell(f"cannot read {path}")
        return found

    def matching(self, pattern: str, beside: str) -> Sequence[str]:
        """Return the names that a pattern matches."""
        return sorted(name for name in self.texts if fnmatch(name, pattern))

    def identity(self, path: str) -> str:
        """Return the name."""
        return path


def whole(text: str, **others: str | None) -> Whole:
    """Return a file, with others that it may include as ``/NAME``."""
    return read_whole("f", Folder({"f": text, **{f"/{name}": other for name, other in others.items()}}))


def linted(text: str) -> list[Finding]:
    """Return what is found in a text."""
    found = whole(text)
    return radvd.lint(found) if radvd.is_radvd(found) else mip6d_lint.lint(found)


def codes(found: Sequence[Finding]) -> list[str]:
    """Return the codes of findings with their severities and references."""
    return sorted(f"{one.severity.value} {one.code} {one.reference}".strip() for one in found)


def without(text: str, *lines: str) -> str:
    """Return a text without the lines that have certain words in them."""
    return "".join(f"{line}\n" for line in text.splitlines() if not any(words in line for words in lines))
