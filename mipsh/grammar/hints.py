"""What ``?`` shows: what could stand at the cursor, with meanings."""

from collections.abc import Mapping

from mipsh.grammar.complete import Lookup, complete
from mipsh.grammar.lines import Catalogue, parse
from mipsh.grammar.tokens import TokenKind, tokenize

SHOWN = 40
INDENT = 28


def hints(text: str, catalogue: Catalogue, lookup: Lookup, aliases: Mapping[str, str] | None = None) -> list[str]:
    """Return lines that say what could stand at the end of a text."""
    tokens = tokenize(text)
    if tokens and tokens[-1].kind is TokenKind.WORD and tokens[-1].end == len(text):
        tokens.pop()
    parsed = parse(tokens, catalogue, aliases, complete=False)
    lines = [f"  {fault.message} ({fault.hint})" for fault in parsed.faults]
    for expect in parsed.expects:
        form = expect.name.upper() if expect.required else f"[{expect.name.upper()}]"
        lines.append(f"  {form:<{INDENT}}  {expect.meaning}")
    found = complete(text, len(text), catalogue, lookup, aliases)
    lines += [f"  {one.text:<{INDENT}}  {one.meaning}".rstrip() for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"  … and {len(found) - SHOWN} more")
    words = parsed.words
    if words is not None and words.pending is None and not parsed.next_words and parsed.expects:
        lines += [f"  {o.name:<{INDENT}}  {o.meaning}" for o in words.command.options]
    if not parsed.next_words and words is not None:
        lines.append("  <Enter>, | FILTER, > FILE")
    return lines or ["  nothing can stand here"]
