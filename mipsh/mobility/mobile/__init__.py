"""The mobile node (RFC 6275 section 11): movement, home registration, route optimisation."""
