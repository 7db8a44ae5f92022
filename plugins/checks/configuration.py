"""Checks of the area configuration."""

from mipsh.checks.check import Area

AREA = Area("configuration", "What the daemon's configuration says, and what contradicts it")
