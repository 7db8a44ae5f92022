"""The node: what serves an engine's state to others."""
