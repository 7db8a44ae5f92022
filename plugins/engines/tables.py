"""What connectors share that read every table in the same way."""

from mipsh.engine import Capability, Connector, missing
from mipsh.model.reading import Reading


class TableConnector(Connector):
    """A connector to an engine whose tables differ in nothing but their capability."""

    def read(self, capability: Capability) -> Reading:
        """Read a table; raises CapabilityMissing for one that the engine does not keep."""
        raise missing(capability, self.info)

    def binding_cache(self) -> Reading:
        """Read the binding cache."""
        return self.read(Capability.BINDING_CACHE)

    def binding_update_list(self) -> Reading:
        """Read the binding update list."""
        return self.read(Capability.BINDING_UPDATE_LIST)

    def return_routability(self) -> Reading:
        """Read the return routability entries."""
        return self.read(Capability.RETURN_ROUTABILITY)

    def nonces(self) -> Reading:
        """Read the nonce blocks."""
        return self.read(Capability.NONCES)

    def home_agents(self) -> Reading:
        """Read the home agents list."""
        return self.read(Capability.HOME_AGENTS)

    def prefixes(self) -> Reading:
        """Read the home prefix list."""
        return self.read(Capability.PREFIXES)

    def statistics(self) -> Reading:
        """Read the traffic counters."""
        return self.read(Capability.STATISTICS)
