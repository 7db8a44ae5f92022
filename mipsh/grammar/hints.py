"""What ``?`` shows: what could stand at the cursor, with meanings."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from mipsh.grammar.complete import Lookup, complete
from mipsh.grammar.lines import Catalogue, Parsed, parse
from mipsh.grammar.tokens import Token, TokenKind, tokenize
from mipsh.model.text import escape

WIDTH = 80
HEIGHT = 24
WIDEST_WORD = 40
INDENT = 2
GAP = 2
_PATTERNS = ("include", "exclude")
_MATCH = re.compile(r"[A-Za-z_][\w-]*!?~")


def is_character(text: str) -> bool:
    """Tell whether ``?`` behind a text belongs to it, and asks nothing.

    It does in quotes, in a comment, in a shell command, behind a backslash, and in a regular
    expression that has begun.
    """
    tokens = tokenize(text)
    if not tokens:
        return False
    last = tokens[-1]
    if last.kind is TokenKind.COMMENT or last.kind is TokenKind.SHELL:
        return "\n" not in text[last.start :]
    if last.kind is not TokenKind.WORD or last.end < len(text):
        return False
    backslashes = len(text) - len(text.rstrip("\\"))
    return not last.closed or backslashes % 2 == 1 or _is_pattern(tokens)


def _is_pattern(tokens: Sequence[Token]) -> bool:
    if _MATCH.match(tokens[-1].text):
        return True
    stage = tokens[-3:-1]
    return len(stage) == 2 and stage[0].kind is TokenKind.PIPE and stage[1].text in _PATTERNS


def hints(
    text: str,
    catalogue: Catalogue,
    lookup: Lookup,
    aliases: Mapping[str, str] | None = None,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> list[str]:
    """Return lines that say what could stand at the end of a text, escaped.

    They are broken at ``width``, but never within a word; where there are more than ``height``
    of them, each meaning has one line only.
    """
    tokens = tokenize(text)
    begun = ""
    if tokens and tokens[-1].kind is TokenKind.WORD and tokens[-1].end == len(text):
        begun = tokens.pop().text
    parsed = parse(tokens, catalogue, aliases, complete=False)
    lines: list[str] = []
    for fault in parsed.faults:
        said = f"{fault.message} ({fault.hint})" if fault.hint else fault.message
        lines += wrapped("", said, 0, width)
    asked = _asked(parsed, begun)
    for one in complete(text, len(text), catalogue, lookup, aliases):
        if begun or not _is_other_name(one.text, parsed, catalogue):
            asked[one.text] = one.meaning
    if not begun:
        asked.update(_own_options(parsed))
    widest = min(max((len(word) for word in asked), default=0), WIDEST_WORD)
    blocks = [wrapped(word, meaning, widest, width) for word, meaning in asked.items()]
    if sum(len(block) for block in blocks) > height:
        blocks = [_cut(block, width) for block in blocks]
    for block in blocks:
        lines += block
    if not begun and (end := _end(parsed)):
        lines.append(" " * INDENT + end)
    return lines or [" " * INDENT + "nothing can stand here"]


def _asked(parsed: Parsed, begun: str) -> dict[str, str]:
    """Return the arguments and values that are expected, as words to fill in."""
    words = parsed.words
    if begun.startswith("-") and words is not None and words.pending is None:
        return {}
    asked = {}
    for expect in parsed.expects:
        name = expect.name.upper()
        if words is not None and words.pending is not None:
            name = words.pending.metavar or "VALUE"
        if name:
            asked[name if expect.required else f"[{name}]"] = expect.meaning
    return asked


def _own_options(parsed: Parsed) -> dict[str, str]:
    """Return the command's own options where an argument is expected, too."""
    words = parsed.words
    if words is None or not words.takes_options() or not parsed.expects:
        return {}
    return {option.name: option.meaning for option in words.command.options}


def _is_other_name(word: str, parsed: Parsed, catalogue: Catalogue) -> bool:
    """Tell whether a word that may begin a line is only another name of a command."""
    return word in parsed.next_words and catalogue.phrases().get((word,), word) != word


def _end(parsed: Parsed) -> str:
    """Return what may stand where a statement is whole; nothing where it is not."""
    begins = parsed.words is None and parsed.next_words
    missing = parsed.faults or begins or any(expect.required for expect in parsed.expects)
    if missing or not parsed.statements:
        return ""
    last = parsed.statements[-1]
    if last.redirect or (last.stages and last.stages[-1].name == "!"):
        return "<Enter>"
    return f"<Enter>, {'--OPTION, ' if parsed.words is not None else ''}| FILTER, > FILE"


def _cut(block: list[str], width: int) -> list[str]:
    """Return the first line of a meaning, marked where there was more of it."""
    if len(block) == 1:
        return block
    first = block[0]
    return [f"{first if len(first) + 4 <= width else first[: width - 4].rpartition(' ')[0].rstrip()} ..."]


def wrapped(word: str, meaning: str, column: int, width: int) -> list[str]:
    """Return a word and its meaning as lines: the meanings in a column, broken between words."""
    left = " " * (INDENT + column + (GAP if column else 0))
    head = f"{' ' * INDENT}{escape(word):<{column}}{' ' * GAP}"
    room = max(width - len(left), WIDTH // 4)
    lines = textwrap.wrap(escape(meaning), room, break_long_words=False, break_on_hyphens=False)
    if not lines or len(head) > len(left) > INDENT:
        return [head.rstrip(), *(left + line for line in lines)]
    return [head[: len(left)] + lines[0], *(left + line for line in lines[1:])]
