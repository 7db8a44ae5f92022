"""The exit statuses of mipsh: one table, the same for every output format.

A command's Result decides its status before anything is rendered.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a finished command says to its caller (64 to 77 follow sysexits.h)."""

    OK = 0
    CONDITION_NOT_MET = 1
    FAILED = 2
    COULD_NOT_TELL = 3
    USAGE = 64
    ENGINE_UNAVAILABLE = 69
    INTERNAL_ERROR = 70
    REFUSED = 77
    DEADLINE = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS = {
    ExitStatus.OK: "fine",
    ExitStatus.CONDITION_NOT_MET: "a condition was not met, or a warning at the threshold",
    ExitStatus.FAILED: "the command failed",
    ExitStatus.COULD_NOT_TELL: "could not tell: the data or the privilege is missing",
    ExitStatus.USAGE: "the command line or a configuration file is wrong",
    ExitStatus.ENGINE_UNAVAILABLE: "no engine answered, or it is busy",
    ExitStatus.INTERNAL_ERROR: "a bug in mipsh or in a plugin",
    ExitStatus.REFUSED: "refused: read-only, or a privilege is missing",
    ExitStatus.DEADLINE: "the deadline passed",
    ExitStatus.INTERRUPTED: "interrupted",
    ExitStatus.BROKEN_PIPE: "the reader of the output went away",
}
