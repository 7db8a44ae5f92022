"""scapy's layers of IPv6, loaded when first asked for: without its cache, which would be files in the user's home."""

from importlib import import_module
from typing import Any

Layer = Any
"""A layer of a packet, as scapy has it: its classes are not typed."""


def inet6() -> Any:
    """Return scapy's module of IPv6, Mobile IPv6 included."""
    # It looks for the folder once, when its data are loaded, and does without where there is none.
    main: Any = import_module("scapy.main")
    main.SCAPY_CACHE_FOLDER = None
    return import_module("scapy.layers.inet6")
