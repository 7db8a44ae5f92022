"""The Test Anything Protocol, version 13: a line a finding, with what is known as comments below it."""

from collections.abc import Iterator

from mipsh.render.cases import Case, Outcome, cases
from mipsh.render.format import Document, Format, Style


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the plan and a line a case; what could not be told is not ok, what does not count is to do."""
    found = list(cases(document))
    yield f"TAP version 13\n1..{len(found)}\n"
    for number, case in enumerate(found, 1):
        yield _line(number, case)


def _line(number: int, case: Case) -> str:
    good = case.outcome in (Outcome.PASSED, Outcome.SKIPPED)
    directive = {Outcome.SKIPPED: " # SKIP ", Outcome.ASIDE: " # TODO "}.get(case.outcome)
    text = f"{'ok' if good else 'not ok'} {number} - {_plain(case.name)}"
    text += f"{directive}{_plain(case.message)}\n" if directive else "\n"
    if not good:
        text += "".join(f"# {line}\n" for line in (f"{case.word}: {case.message}", *case.lines))
    return text


def _plain(text: str) -> str:
    """Return a text in which no directive begins."""
    return text.replace("\\", "\\\\").replace("#", "\\#")


FORMAT = Format("tap", "the Test Anything Protocol, a line a finding", render)
