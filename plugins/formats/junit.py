"""JUnit's XML: a test case a finding, so that a build server shows checks as it does tests."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from mipsh.render.cases import Case, Outcome, cases
from mipsh.render.format import Document, Format, Style

ELEMENTS = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.ASIDE: "skipped",
}


def render(document: Document, style: Style) -> Iterator[str]:
    """Write one suite; what could not be told is an error of its case, what does not count is skipped."""
    found = list(cases(document))
    numbers = Counter(ELEMENTS.get(case.outcome, "passed") for case in found)
    seconds = sum(case.seconds or 0.0 for case in found)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        f'<testsuites><testsuite name="mipsh" tests="{len(found)}" failures="{numbers["failure"]}" '
        f'errors="{numbers["error"]}" skipped="{numbers["skipped"]}" time="{seconds:.3f}" '
        f'timestamp="{escape(document.time)}">\n'
    )
    for case in found:
        yield _case(case)
    yield "</testsuite></testsuites>\n"


def _text(text: str) -> str:
    """Return a text for XML, which has no place for two characters that are none."""
    return escape(text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def _case(case: Case) -> str:
    head = f'<testcase classname="mipsh.{_text(case.group)}" name="{_text(case.name)}" time="{case.seconds or 0.0:.3f}"'
    element = ELEMENTS.get(case.outcome)
    text = _text("\n".join((case.message, *case.lines)))
    if element is None:
        return f"{head}><system-out>{text}</system-out></testcase>\n"
    opening = f'<{element} type="{_text(case.word)}" message="{_text(case.message)}"'
    return f"{head}>{opening}>{text}</{element}></testcase>\n"


FORMAT = Format("junit", "JUnit's XML, a test case a finding", render)
