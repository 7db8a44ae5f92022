"""Checks of the area mobile_node."""

from mipsh.checks.check import Area

AREA = Area("mobile_node", "What a mobile node has of its bindings, addresses and ways")
