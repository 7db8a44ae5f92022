"""Draws a ladder diagram on a terminal: a column for everybody who takes part, and time running down."""

from collections.abc import Sequence

from mipsh.signalling.drawing import Drawing, Participant, Row

GUTTER = 10
NARROWEST = 44
NS_PER_S = 1_000_000_000
UNICODE = {"line": "│", "cross": "┼", "dash": "─", "right": "▶", "left": "◀", "bad": "╌", "mark": "✗"}
ASCII = {"line": "|", "cross": "+", "dash": "-", "right": ">", "left": "<", "bad": "~", "mark": "!"}


def ladder(drawing: Drawing, width: int = 80, *, unicode: bool = True) -> str:
    """Return a diagram as lines of text, none of them wider than asked, but for terminals that are very narrow."""
    signs = UNICODE if unicode else ASCII
    width = max(width, NARROWEST)
    places = _places(len(drawing.participants), width)
    lines = [_names(drawing.participants, places, width)] if places else []
    for row in drawing.rows:
        at = f"{(row.time_ns - drawing.began_ns) / NS_PER_S:9.3f} "
        if row.source is None:
            lines += _remark(row, places, width, signs)
        elif row.source == row.destination:
            lines.append(f"{at}{signs['line']} {row.label}"[:width])
        else:
            lines.append(at + _arrow(row, places, width, signs)[GUTTER:])
    lines += [f"({drawing.left_out} not drawn)"[:width]] if drawing.left_out else []
    lines += _legend(drawing.participants, width)
    return "\n".join(line.rstrip() for line in lines)


def _places(count: int, width: int) -> list[int]:
    """Return where the columns are."""
    if count < 2:
        return [GUTTER] * count
    room = width - GUTTER - 4
    return [GUTTER + 1 + number * room // (count - 1) for number in range(count)]


def _names(participants: Sequence[Participant], places: Sequence[int], width: int) -> str:
    line = [" "] * width
    for participant, place in zip(participants, places, strict=True):
        name = participant.name[: max(width // max(len(places), 1) - 2, 4)]
        start = max(min(place - len(name) // 2, width - len(name)), 0)
        line[start : start + len(name)] = name
    return "".join(line)


def _arrow(row: Row, places: Sequence[int], width: int, signs: dict[str, str]) -> str:
    line = [signs["line"] if at in places else " " for at in range(width)]
    source, destination = places[row.source or 0], places[row.destination]
    left, right = min(source, destination), max(source, destination)
    dash = signs["bad"] if row.is_failed else signs["dash"]
    for at in range(left + 1, right):
        line[at] = signs["cross"] if at in places else dash
    line[right - 1 if destination > source else left + 1] = signs["right" if destination > source else "left"]
    room = right - left - 7
    label = row.label if len(row.label) <= room else row.label[: room - 1] + "~"
    start = left + 3
    line[start : start + len(label) + 2] = f" {label} "
    return "".join(line)


def _remark(row: Row, places: Sequence[int], width: int, signs: dict[str, str]) -> list[str]:
    """Return a remark, broken between words, beside the first column's line."""
    start = (places[0] if places else GUTTER) + 2
    lines, line = [], signs["mark"] if row.is_failed else "?"
    room = max(width - start, 4)
    for word in row.label.split():
        if len(line) + 1 + len(word) > room:
            lines.append(line)
            line = " "
        line += f" {word}" if len(word) <= room - 2 else f" {word[: room - 3]}~"
    lead = f"{'':{start - 2}}{signs['line']} "
    return [lead + one for one in (*lines, line)]


def _legend(participants: Sequence[Participant], width: int) -> list[str]:
    """Return who is who."""
    lines = []
    for participant in participants:
        said = f"{'':{GUTTER}}{participant.name}: {', '.join(participant.addresses)}"
        lines.append(said if len(said) <= width else said[: width - 1] + "~")
    return lines
