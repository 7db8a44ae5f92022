"""The words of one command into its values, and what could stand at the end of them.

The reader never stops at a fault: it notes it and reads on, so that colouring and completion
work on a line that is not right yet.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.grammar.declare import COMMON_OPTIONS, Argument, Command, Fault, Option, Takes
from mipsh.grammar.phrases import nearest
from mipsh.grammar.tokens import Token

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TIME = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ms|s|m|h)?")
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
    """Something that could stand at the cursor: an argument's or an option's value, or more.

    ``begun`` is what is typed of it already.
    """

    takes: Takes
    name: str
    meaning: str
    choices: tuple[str, ...] = ()
    required: bool = False
    begun: str = ""


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

    def takes_options(self) -> bool:
        """Tell whether a word that begins with ``-`` would be read as an option here."""
        free = self.pending is None and self.rest is None and not self.options_ended
        return free and not _takes_rest(self, options_too=True)

    def options(self) -> list[Option]:
        """Return the options that could still be given."""
        taken = {**self.values, **self.common}
        return [o for o in self.known() if o.many or o.key not in taken]

    def known(self) -> tuple[Option, ...]:
        """Return the command's options and those that every command takes."""
        return (*self.command.options, *COMMON_OPTIONS)

    def named(self, name: str) -> list[Option]:
        """Return the options that a ``--name`` or its beginning may mean."""
        exact = [o for o in self.known() if o.name == name]
        return exact or [o for o in self.known() if o.name.startswith(name)]


def read_words(command: Command, tokens: Sequence[Token], complete: bool = True, start: int = 0) -> Words:
    """Read the words after a command's phrase, which ends at ``start``.

    With ``complete``, missing values are faults; without, the end is where a cursor stands.
    An argument of kind CALL or RAW takes all words that are left, options too, into ``rest``.
    """
    words = Words(command, {}, {}, [], [])
    for index, token in enumerate(tokens):
        if words.pending is not None:
            _take_value(words, words.pending, token.text, token, token.start)
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
        _check_complete(words, tokens[-1].end if tokens else start)
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
        _add(words.values, argument.name, value)
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
    split = _split_at(token, len(name) + 1) if equals else token.end
    words.marks.append(Mark(Role.OPTION, token.start, split))
    option = _find_long(words, name, token)
    if option is None:
        return
    if option.takes is None:
        if equals:
            message = f"{option.name} takes no value"
            words.faults.append(Fault(message, f"write only {option.name}", token.start, token.end))
        _take_flag(words, option)
    elif equals:
        _take_value(words, option, value, token, split)
    else:
        words.pending = option


def _split_at(token: Token, length: int) -> int:
    """Return where the value begins in ``--opt=value``; in a quoted one nobody can tell: at the end."""
    literal = token.end - token.start == len(token.text)
    return token.start + length if literal else token.end


def _find_long(words: Words, name: str, token: Token) -> Option | None:
    found = words.named(name)
    if len(found) == 1:
        return found[0]
    if found:
        message = f"'{name}' may be {', '.join(o.name for o in found)}"
        hint = "type more of it"
    else:
        message = f"{words.command.name} has no option '{name}'"
        near = nearest(name, [o.name for o in words.known()])
        hint = f"did you mean {' or '.join(near)}?" if near else f"type '{words.command.name} ?'"
    words.faults.append(Fault(message, hint, token.start, token.end))
    return None


def _take_short(words: Words, token: Token) -> None:
    """Read ``-v``, ``-qv``, ``-n5``, ``-n 5``."""
    for index, letter in enumerate(token.text[1:], 2):
        option = next((o for o in words.known() if o.short == f"-{letter}"), None)
        if option is None:
            message = f"{words.command.name} has no option '-{letter}'"
            hint = f"type '{words.command.name} ?' for its options"
            words.faults.append(Fault(message, hint, token.start, token.end))
            break
        if option.takes is not None:
            attached = token.text[index:]
            split = _split_at(token, index) if attached else token.end
            words.marks.append(Mark(Role.OPTION, token.start, split))
            if attached:
                _take_value(words, option, attached, token, split)
            else:
                words.pending = option
            return
        _take_flag(words, option)
    words.marks.append(Mark(Role.OPTION, token.start, token.end))


def _take_flag(words: Words, option: Option) -> None:
    kept = words.values if option in words.command.options else words.common
    before = kept.get(option.key, 0)
    kept[option.key] = before + 1 if option.many and isinstance(before, int) else True


def _take_value(words: Words, option: Option, text: str, token: Token, start: int) -> None:
    kept = words.values if option in words.command.options else words.common
    value = _convert(words, option, text, token)
    if start < token.end:
        words.marks.append(Mark(Role.VALUE, start, token.end))
    if option.many:
        _add(kept, option.key, value)
    else:
        kept[option.key] = value


def _add(kept: dict[str, object], name: str, value: object) -> None:
    listed = kept.get(name)
    if isinstance(listed, list):
        listed.append(value)
    else:
        kept[name] = [value]


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
        if len(near) != 1 and declared.takes is Takes.ADDRESS:
            return text
        if len(near) != 1:
            raise UsageError(f"{declared.name} cannot be '{text}'", f"it can be {', '.join(declared.choices)}")
        return near[0]
    if declared.takes is Takes.INTEGER:
        if not _INTEGER.fullmatch(text):
            raise UsageError(f"{declared.name} takes a whole number, not '{text}'", "write 5")
        return int(text)
    if declared.takes is Takes.SECONDS:
        return seconds(text, declared.name)
    return text


def seconds(text: str, name: str) -> float:
    """Read a time: ``5``, ``0.5``, ``200ms``, ``2m``; raises UsageError."""
    found = _TIME.fullmatch(text)
    value = float(found[1]) * _SECONDS[found[2] or "s"] if found else -1.0
    if not 0 <= value < 10**9:
        raise UsageError(f"{name} takes seconds, not '{text}'", "write 5, 0.5, 200ms, 2m or 1h")
    return value


def _check_complete(words: Words, end: int) -> None:
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
