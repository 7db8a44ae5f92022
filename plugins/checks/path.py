"""Checks of the area path."""

from mipsh.checks.check import Area

AREA = Area("path", "What packet filters and links let through")
