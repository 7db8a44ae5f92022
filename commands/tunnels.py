"""``tunnels``: the kernel's IPv6 tunnels, and of which binding each one is."""

from mipsh.checks.sources import Key, Link, Tunnel
from mipsh.commands.xfrm import FROM, looks, see, unread
from mipsh.errors import CannotTell
from mipsh.grammar.declare import Command
from mipsh.kernel_view import bindings
from mipsh.kernel_view.plumbing import MIP6_DEVICE
from mipsh.kernel_view.view import View
from mipsh.model.kernel_view import TUNNELS, TunnelLink
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session

IGNORES_LIMIT = 0x1
ANY = "::"
KEYS = (Key.TN, Key.AD, Key.XS, Key.XP)


def run(session: Session, from_: str = "") -> Result:
    """Show the tunnels; raises CannotTell where they cannot be read."""
    sight = see(session, KEYS, from_)
    view = sight.view
    if view.tunnels is None:
        raise view.unread[0] if view.unread else CannotTell("tunnels cannot be read")
    rows = [_row(link, link.tunnel, view) for link in view.tunnels if link.tunnel is not None]
    return Result(TUNNELS, rows, taken_at=sight.now, warnings=unread(view))


def _row(link: Link, ends: Tunnel, view: View) -> TunnelLink:
    return TunnelLink(
        link.name,
        ends.local,
        ends.remote,
        use(link, ends, view),
        link.is_up,
        link.mtu,
        ends.link or None,
        bool(ends.flags & MIP6_DEVICE) if view.has_whole_flags else None,
        bool(ends.flags & IGNORES_LIMIT),
        ends.flags if view.has_whole_flags else None,
    )


def use(link: Link, ends: Tunnel, view: View) -> str:
    """Return what a tunnel is for, in words."""
    if ends.remote == ANY:
        return "the kernel's own, for packets of no other tunnel"
    homes = [one.address for one in view.addresses or () if one.interface == link.name and "home" in one.flags]
    if homes:
        return f"{', '.join(homes)} to its home agent"
    if ends.local in view.home_addresses:
        return f"{ends.local} is at home, and does not use it"
    if not view.has_xfrm:
        return "not known: XFRM cannot be read"
    served = [one.home for one in bindings.kept(view) if (one.local, one.place) == (ends.local, ends.remote)]
    return f"packets for {', '.join(served)}" if served else "no binding"


def how(session: Session, from_: str = "") -> list[How]:
    """Say how tunnels are looked at by hand, and bindings beside them."""
    return looks(KEYS, from_)


COMMAND = Command(
    "tunnels",
    "show the kernel's IPv6 tunnels, and whose binding each is",
    run,
    (),
    (FROM,),
    table=TUNNELS.name,
    details=(
        "A home agent has a tunnel to each care-of address, a mobile node one to its home agent. The bindings beside "
        "them are those of the kernel, for which CAP_NET_ADMIN is needed; the tunnels themselves are seen by anybody."
    ),
    examples=(("tunnels", "all of them"), ("tunnels --wide", "with their flags")),
    how=how,
)
