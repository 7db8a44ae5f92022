"""Dynamic home agent address discovery, the home agent's side (RFC 6275 section 10.5, RFC 3963 section 7)."""

from mipsh.mobility.effects import Effect, Send
from mipsh.mobility.home.agents_list import HomeAgentsList
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink, HomeLinks
from mipsh.mobility.icmp_errors import is_answerable
from mipsh.mobility.limits import Limits
from mipsh.mobility.nonces import Entropy
from mipsh.wire.icmpv6 import MOBILE_ROUTER, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.packet import Packet

MOST_ADDRESSES = 77
"""Addresses in a reply that is to fit into 1280 bytes: 40 of IPv6, 8 of ICMPv6, 16 an address."""
SHUFFLE_SIZE = 4


class Discovery:
    """Answers requests that came to the Home-Agents anycast address of a home link."""

    def __init__(
        self, entropy: Entropy, parameters: HomeAgentParameters, links: HomeLinks, agents: HomeAgentsList
    ) -> None:
        self._entropy = entropy
        self._parameters = parameters
        self._links = links
        self._agents = agents
        self._limits = Limits(parameters.answers_per_peer)

    def answer(self, packet: Packet, request: HomeAgentDiscoveryRequest, now: float) -> list[Effect]:
        """Answer from a unicast address of the link, with its home agents, the best first."""
        link = self._links.by_anycast.get(packet.destination)
        if link is None or not is_answerable(packet.source) or not self._limits.allow(packet.source, now):
            return []
        for_routers = bool(request.flags & MOBILE_ROUTER) and self._parameters.serves_mobile_routers
        flags = MOBILE_ROUTER if for_routers else 0
        reply = HomeAgentDiscoveryReply(request.identifier, self._best(link, for_routers), flags)
        return [Send(Packet(link.address, packet.source, Icmpv6(reply)))]

    def _best(self, link: HomeLink, for_routers: bool) -> tuple[bytes, ...]:
        """Return the addresses of a link's home agents; of equally preferred ones any may be first."""
        own = tuple(dict.fromkeys([link.address, *(other.address for other in self._links.on(link.interface))]))
        agents = [(link.preference, own)]
        for agent in self._agents.on(link.interface):
            if agent.serves_mobile_routers or not for_routers:
                agents.append((agent.preference, agent.addresses))
        drawn = self._entropy(SHUFFLE_SIZE * len(agents))
        lots = [drawn[at : at + SHUFFLE_SIZE] for at in range(0, len(drawn), SHUFFLE_SIZE)]
        ordered = sorted(zip(agents, lots, strict=True), key=lambda pair: (-pair[0][0], pair[1]))
        found = [address for (_, listed), _ in ordered for address in listed]
        return tuple(dict.fromkeys(found))[:MOST_ADDRESSES]
