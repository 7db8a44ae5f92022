"""IPv6 addresses and prefixes as text, in the form of RFC 5952."""

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """Return an IPv6 address or prefix in RFC 5952 form, or None where the text is neither.

    A zone (``%eth0``) is kept; a prefix keeps its host bits (an R-bit prefix is an address).
    """
    try:
        address, slash, _ = text.partition("/")
        length = f"/{ipaddress.IPv6Interface(text).network.prefixlen}" if slash else ""
        return f"{ipaddress.IPv6Address(address)}{length}"
    except ValueError:
        return None


def within(text: str, prefix: str) -> bool:
    """Tell whether an address lies in a prefix; False where either is not one."""
    try:
        network = ipaddress.IPv6Network(prefix, strict=False)
        return ipaddress.IPv6Address(text.partition("/")[0].partition("%")[0]) in network
    except ValueError:
        return False
