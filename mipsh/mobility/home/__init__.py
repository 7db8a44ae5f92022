"""The home agent: home registrations, tunnels, discovery of home agents and prefixes (RFC 6275 section 10)."""
