"""Draws a ladder diagram as an SVG picture that needs nothing but itself, and in which nothing runs."""

from html import escape

from mipsh.signalling.drawing import Drawing, Row

GUTTER, COLUMN, LINE, HEAD = 90, 260, 30, 64
RIGHT = 120
NS_PER_S = 1_000_000_000
STYLE = (
    "text{font:13px sans-serif;fill:#1b1f24}.time{fill:#57606a;text-anchor:end}"
    ".name{font-weight:bold;text-anchor:middle}"
    ".address{font-size:11px;fill:#57606a;text-anchor:middle}.label{text-anchor:middle}"
    "line{stroke:#0550ae;stroke-width:1.5}"
    ".life{stroke:#d0d7de}.bad{stroke:#cf222e;stroke-dasharray:5 3}.remark{fill:#cf222e;font-style:italic}"
    "polygon{fill:#0550ae}.head-bad{fill:#cf222e}"
)
_UNPRINTABLE = {code: "?" for code in (*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF)}


def svg(drawing: Drawing) -> str:
    """Return the picture."""
    columns = len(drawing.participants)
    width = GUTTER + max(columns - 1, 1) * COLUMN + RIGHT
    height = HEAD + (len(drawing.rows) + 1) * LINE + (LINE if drawing.left_out else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>Mobility signalling</title><style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, participant in enumerate(drawing.participants):
        x = _x(number)
        parts.append(f'<line class="life" x1="{x}" y1="{HEAD - 12}" x2="{x}" y2="{height - LINE // 2}"/>')
        parts.append(f'<text class="name" x="{x}" y="22">{_clean(participant.name)}</text>')
        for line, address in enumerate(participant.addresses[:2]):
            parts.append(f'<text class="address" x="{x}" y="{36 + line * 13}">{_clean(address)}</text>')
    for number, row in enumerate(drawing.rows):
        parts += _row(row, HEAD + number * LINE + LINE // 2, (row.time_ns - drawing.began_ns) / NS_PER_S)
    if drawing.left_out:
        parts.append(f'<text x="{GUTTER}" y="{height - 8}">({_clean(drawing.left_out)} not drawn)</text>')
    return "\n".join((*parts, "</svg>", ""))


def _x(column: int) -> int:
    return GUTTER + 20 + column * COLUMN


def _row(row: Row, y: int, seconds: float) -> list[str]:
    """Return an arrow with its label, or a remark."""
    time = f'<text class="time" x="{GUTTER - 14}" y="{y + 4}">{seconds:.3f} s</text>'
    if row.source is None:
        kind = ' class="remark"' if row.is_failed else ""
        return [f'<text{kind} x="{_x(0) + 8}" y="{y + 4}">{_clean(row.label)}</text>']
    start, end = _x(row.source), _x(row.destination)
    if start == end:
        return [time, f'<text x="{start + 8}" y="{y + 4}">{_clean(row.label)}</text>']
    step = 1 if end > start else -1
    bad = ' class="bad"' if row.is_failed else ""
    head = ' class="head-bad"' if row.is_failed else ""
    tip = f"{end},{y} {end - 9 * step},{y - 4} {end - 9 * step},{y + 4}"
    return [
        time,
        f'<line{bad} x1="{start}" y1="{y}" x2="{end - 8 * step}" y2="{y}"/><polygon{head} points="{tip}"/>',
        f'<text class="label" x="{(start + end) // 2}" y="{y - 5}">{_clean(row.label)}</text>',
    ]


def _clean(said: str) -> str:
    """Return text as it may stand in XML."""
    return escape(said.translate(_UNPRINTABLE))
