"""Checks of the area daemon."""

from mipsh.checks.check import Area

AREA = Area("daemon", "What the mobility daemon is, and what it left behind")
