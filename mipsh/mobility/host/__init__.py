"""A node's links: neighbour discovery and address configuration for hosts and routers (RFC 4861, 4862, 4429)."""
