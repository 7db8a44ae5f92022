"""Checks of the kernel: what it is able to do, what is known of its version, and its settings."""

from mipsh.checks.check import Area
from mipsh.plugins.checks import kernel_options, kernel_settings, kernel_traffic, kernel_typed, kernel_versions

PARTS = (kernel_options, kernel_versions, kernel_typed, kernel_settings, kernel_traffic)
AREA = Area(
    "kernel",
    "What the kernel is able to do, and what is known of its version",
    tuple(check for part in PARTS for check in part.AREA.checks),
)
