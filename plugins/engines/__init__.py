"""Connectors to mobility engines, one module a kind of engine."""
