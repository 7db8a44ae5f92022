"""Every error that mipsh reports, as one tree.

::

    MipshError                    message + hint + exit status + code
    ├── UsageError           64   the words typed are wrong
    │   └── ConfigError      64   a configuration file is wrong (file, line, key)
    ├── EngineError          69   the engine cannot be used
    │   ├── EngineRefused         nothing listens there
    │   ├── EngineBusy            another client holds the only slot
    │   ├── NotThisEngine         something else listens there
    │   └── EngineLost            it went away in the middle of a reply
    ├── DeadlineError       124   no answer in time
    ├── EngineComplaint       2   the engine itself answered with an error
    ├── CapabilityMissing     3   this engine or role does not keep that table
    ├── CannotTell            3   the data for a verdict is missing
    ├── RefusedError         77   read-only, or a privilege is missing
    ├── OutputError           2   the result could not be written
    └── PluginError          70   a plugin broke its contract

A message says what happened and what was expected; the hint says what to do next.
Text from outside may be in both: whoever prints them escapes them.
"""

from mipsh.status import ExitStatus


class MipshError(Exception):
    """An error with a message for people, a hint, a stable code and an exit status."""

    status = ExitStatus.FAILED
    code = "failed"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MipshError):
    """The words typed cannot be understood; nothing was done."""

    status = ExitStatus.USAGE
    code = "usage"


class ConfigError(UsageError):
    """A configuration file is wrong; the message names file, line and key."""

    code = "config"


class EngineError(MipshError):
    """The engine cannot be used."""

    status = ExitStatus.ENGINE_UNAVAILABLE
    code = "engine_unavailable"


class EngineRefused(EngineError):
    """Nothing listens at the engine's address."""

    code = "engine_refused"


class EngineBusy(EngineError):
    """The engine's only slot is held by another client."""

    code = "engine_busy"


class NotThisEngine(EngineError):
    """Something listens at the address, but it is not the engine expected there."""

    code = "not_this_engine"


class EngineLost(EngineError):
    """The engine went away before its reply was complete."""

    code = "engine_lost"


class DeadlineError(MipshError):
    """No complete answer came before the deadline."""

    status = ExitStatus.DEADLINE
    code = "deadline"


class EngineComplaint(MipshError):
    """The engine understood mipsh and answered with an error of its own."""

    code = "engine_complaint"


class CapabilityMissing(MipshError):
    """This engine, or this role of it, does not keep what was asked for."""

    status = ExitStatus.COULD_NOT_TELL
    code = "capability_missing"


class CannotTell(MipshError):
    """A verdict was asked for, and the data for it is missing."""

    status = ExitStatus.COULD_NOT_TELL
    code = "could_not_tell"


class RefusedError(MipshError):
    """mipsh will not do it: read-only, no consent, or a privilege is missing."""

    status = ExitStatus.REFUSED
    code = "refused"


class OutputError(MipshError):
    """The result exists but could not be written where it was asked for."""

    code = "output"


class PluginError(MipshError):
    """A plugin broke its contract; the message names the plugin and its package."""

    status = ExitStatus.INTERNAL_ERROR
    code = "plugin"
