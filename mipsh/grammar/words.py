"""The words of one command into its values, and what could stand at the end of them.

The reader never stops at a fault: it notes it and reads on, so that colouring and completion
work on a line that is not right yet.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.grammar.declare import COMMON_OPTIONS, Argument, Command, Fault, Option, Takes
from mipsh.grammar.phrases import nearest
from mipsh.grammar.tokens import Token

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Role(StrEnum):
    """How a piece of a line is coloured."""

    COMMAND = "command"
    OPTION = "option"
    VALUE = "value"
    OPERATOR = "operator"
    STAGE = "stage"
    COMMENT = "comment"
    FAULT = "fault"


class Mark(Struct, frozen=True):
    """A coloured piece of a line, ``[start, end)``."""

    role: Role
    start: int
    end: int


class Expect(Struct, frozen=True):
    """Something that could stand at the cursor: an argument's or an option's value, or more."""

    takes: Takes
    name: str
    meaning: str
    choices: tuple[str, ...] = ()
    required: bool = False


class Words(Struct):
    """What was read so far of one command's words."""

    command: Command
    values: dict[str, object]
    common: dict[str, object]
    marks: list[Mark]
    faults: list[Fault]
    rest: list[Token] | None = None
    pending: Option | None = None
    position: int = 0
    given: int = 0
    options_ended: bool = False

    def expects(self) -> list[Expect]:
        """Return what could stand after the words read so far, options left aside."""
        if self.pending is not None and self.pending.takes is not None:
            option = self.pending
            return [Expect(self.pending.takes, option.name, option.meaning, option.choices, True)]
        if self.position < len(self.command.arguments):
            argument = self.command.arguments[self.position]
            required = argument.required and not self.given
            return [Expect(argument.takes, argument.name, argument.meaning, argument.choices, required)]
        return []

    def options(self) -> list[Option]:
        """Return the options that could still be given."""
        taken = {**self.values, **self.common}
        return [o for o in (*self.command.options, *COMMON_OPTIONS) if o.many or o.key not in taken]


def read_words(command: Command, tokens: Sequence[Token], complete: bool = True) -> Words:
    """Read the words after a command's phrase.

    With ``complete``, missing values are faults; without, the end is where a cursor stands.
    An argument of kind CALL or RAW takes all words that are left, options too, into ``rest``.
    """
    words = Words(command, {}, {}, [], [])
    for index, token in enumerate(tokens):
        if words.pending is not None:
            _take_value(words, words.pending, token.text, token)
            words.pending = None
        elif _takes_rest(words, options_too=True):
            _take_rest(words, tokens[index:])
            break
        elif not words.options_ended and token.text.startswith("-") and len(token.text) > 1:
            _take_option(words, token)
        elif _takes_rest(words, options_too=False):
            _take_rest(words, tokens[index:])
            break
        else:
            _take_argument(words, token)
    if complete:
        _check_complete(words, tokens)
    return words


def _take_rest(words: Words, tokens: Sequence[Token]) -> None:
    words.rest = list(tokens)
    words.position += 1


def _takes_rest(words: Words, options_too: bool) -> bool:
    """Tell whether the next argument takes all that is left; behind another one, options too."""
    arguments = words.command.arguments
    if words.position >= len(arguments):
        return False
    takes = arguments[words.position].takes
    return takes in (Takes.CALL, Takes.RAW) and (not options_too or (takes is Takes.RAW and words.position > 0))


def _take_argument(words: Words, token: Token) -> None:
    if words.position >= len(words.command.arguments):
        words.faults.append(
            Fault(
                f"'{token.text}' is one word too many for {words.command.name}",
                f"type '{words.command.name} ?' for what it takes",
                token.start,
                token.end,
            )
        )
        return
    argument = words.command.arguments[words.position]
    value = _convert(words, argument, token.text, token)
    words.marks.append(Mark(Role.VALUE, token.start, token.end))
    if argument.many:
        listed = words.values.setdefault(argument.name, [])
        if isinstance(listed, list):
            listed.append(value)
        words.given += 1
    else:
        words.values[argument.name] = value
        words.position += 1


def _take_option(words: Words, token: Token) -> None:
    text = token.text
    if text == "--":
        words.options_ended = True
        return
    if not text.startswith("--"):
        _take_short(words, token)
        return
    name, equals, value = text.partition("=")
    option = _find_long(words, name, token)
    if option is None:
        return
    words.marks.append(Mark(Role.OPTION, token.start, token.end))
    if option.takes is None:
        if equals:
            message = f"{option.name} takes no value"
            words.faults.append(Fault(message, f"write only {option.name}", token.start, token.end))
        _take_flag(words, option)
    elif equals:
        _take_value(words, option, value, token)
    else:
        words.pending = option


def _find_long(words: Words, name: str, token: Token) -> Option | None:
    known = (*words.command.options, *COMMON_OPTIONS)
    found = [o for o in known if o.name == name] or [o for o in known if o.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"'{name}' may be {', '.join(o.name for o in found)}"
        hint = "type more of it"
    else:
        message = f"{words.command.name} has no option '{name}'"
        near = nearest(name, [o.name for o in known])
        hint = f"did you mean {' or '.join(near)}?" if near else f"type '{words.command.name} ?'"
    words.faults.append(Fault(message, hint, token.start, token.end))
    return None


def _take_short(words: Words, token: Token) -> None:
    """Read ``-v``, ``-qv``, ``-n5``, ``-n 5``."""
    letters = token.text[1:]
    words.marks.append(Mark(Role.OPTION, token.start, token.end))
    for index, letter in enumerate(letters):
        known = (*words.command.options, *COMMON_OPTIONS)
        option = next((o for o in known if o.short == f"-{letter}"), None)
        if option is None:
            words.faults.append(
                Fault(
                    f"{words.command.name} has no option '-{letter}'",
                    f"type '{words.command.name} ?' for its options",
                    token.start,
                    token.end,
                )
            )
            return
        if option.takes is not None:
            attached = letters[index + 1 :]
            if attached:
                _take_value(words, option, attached, token)
            else:
                words.pending = option
            return
        _take_flag(words, option)


def _take_flag(words: Words, option: Option) -> None:
    kept = words.values if option in words.command.options else words.common
    before = kept.get(option.key, 0)
    kept[option.key] = before + 1 if option.many and isinstance(before, int) else True


def _take_value(words: Words, option: Option, text: str, token: Token) -> None:
    kept = words.values if option in words.command.options else words.common
    value = _convert(words, option, text, token)
    words.marks.append(Mark(Role.VALUE, token.start, token.end))
    if option.many:
        listed = kept.setdefault(option.key, [])
        if isinstance(listed, list):
            listed.append(value)
    else:
        kept[option.key] = value


def _convert(words: Words, declared: Argument | Option, text: str, token: Token) -> object:
    """Return a word as the value that its declaration takes; note a fault where it is not one."""
    try:
        return convert(declared, text)
    except UsageError as error:
        words.faults.append(Fault(error.message, error.hint, token.start, token.end))
        return text


def convert(declared: Argument | Option, text: str) -> object:
    """Return a word as the value that its declaration takes; raises UsageError."""
    if declared.choices and text not in declared.choices:
        near = [c for c in declared.choices if c.startswith(text)]
        if len(near) != 1:
            raise UsageError(f"{declared.name} cannot be '{text}'", f"it can be {', '.join(declared.choices)}")
        return near[0]
    if declared.takes is Takes.INTEGER:
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"{declared.name} takes a whole number, not '{text}'") from None
    if declared.takes is Takes.SECONDS:
        return seconds(text, declared.name)
    return text


def seconds(text: str, name: str) -> float:
    """Read a time: ``5``, ``0.5``, ``200ms``, ``2m``; raises UsageError."""
    unit = next((u for u in _SECONDS if text.endswith(u)), "")
    try:
        value = float(text.removesuffix(unit)) * _SECONDS.get(unit, 1.0)
    except ValueError:
        value = -1.0
    if not 0 <= value < 10**9:
        raise UsageError(f"{name} takes seconds, not '{text}'", "write 5, 0.5, 200ms, 2m or 1h")
    return value


def _check_complete(words: Words, tokens: Sequence[Token]) -> None:
    end = tokens[-1].end if tokens else 0
    if words.pending is not None:
        option = words.pending
        hint = f"write {option.name} {option.metavar or 'VALUE'}"
        words.faults.append(Fault(f"{option.name} needs a value", hint, end, end))
    if words.common.get("help"):
        return
    for argument in words.command.arguments[words.position :]:
        if argument.required and argument.name not in words.values:
            words.faults.append(
                Fault(
                    f"{words.command.name} needs {argument.name.upper()}: {argument.meaning}",
                    f"type '{words.command.name} ?' for what it takes",
                    end,
                    end,
                )
            )
