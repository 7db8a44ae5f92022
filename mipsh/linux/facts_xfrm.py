"""What becomes of packets that no XFRM policy is for (XFRM_MSG_GETDEFAULT, Linux 5.15)."""

import errno

from mipsh.checks.sources import Defaults
from mipsh.linux.facts_netlink import ask
from mipsh.linux.rtnetlink import ACKNOWLEDGE
from mipsh.linux.xfrm import NETLINK_XFRM

GET_DEFAULT = 0x28
SIZE = 3
WORDS = {1: "block", 2: "accept"}


def defaults() -> Defaults:
    """Return the default actions; a kernel that has none accepts. Raises OSError."""
    try:
        for kind, body in ask(NETLINK_XFRM, GET_DEFAULT, ACKNOWLEDGE, bytes(SIZE)):
            if kind == GET_DEFAULT and len(body) >= SIZE:
                inward, forward, outward = (WORDS.get(number, "accept") for number in body[:SIZE])
                return Defaults(inward, forward, outward)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return Defaults()
