"""Words into a command's name: phrases of one or more words, unique beginnings, did-you-mean."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

Phrases = Mapping[tuple[str, ...], str]


class Found(Struct, frozen=True):
    """How the beginning of a command was understood.

    ``name`` is the command (empty when there is none), ``used`` the number of words of its
    phrase, ``next_words`` what could stand after them, ``ambiguous`` the words that compete.
    """

    name: str
    used: int
    next_words: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


def resolve(words: Sequence[str], phrases: Phrases) -> Found:
    """Find the command that words begin with; the longest phrase wins, an exact word too."""
    candidates = list(phrases)
    best = Found("", 0, _words_at(candidates, 0))
    for depth, word in enumerate(words):
        choices = _words_at(candidates, depth)
        matched = [word] if word in choices else [c for c in choices if word and c.startswith(word)]
        if not matched:
            break
        candidates = [p for p in candidates if len(p) > depth and p[depth] in matched]
        following = _words_at(candidates, depth + 1)
        names = {phrases[p] for p in candidates if len(p) == depth + 1}
        whole = {phrases[p] for p in candidates}
        if len(names) == 1 and (len(matched) == 1 or len(whole) == 1):
            best = Found(names.pop(), depth + 1, following)
        elif len(matched) > 1:
            return Found("", depth, choices, tuple(matched))
        else:
            best = Found(best.name, best.used, following) if best.name else Found("", depth + 1, following)
    return best


def _words_at(candidates: Iterable[tuple[str, ...]], depth: int) -> tuple[str, ...]:
    return tuple(sorted({p[depth] for p in candidates if len(p) > depth}))


def nearest(word: str, choices: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return the choices that a mistyped word was probably meant to be, likeliest first."""
    typed = word.lower()
    scored = []
    for choice in choices:
        meant, allowed = choice.lower(), max(1, len(choice) // 3)
        contained = len(word) > 2 and typed in meant
        if not contained and abs(len(typed) - len(meant)) > allowed:
            continue
        distance = _distance(typed, meant)
        if contained or distance <= min(allowed, len(typed) - 1):
            scored.append((distance, choice))
    return tuple(choice for _, choice in sorted(scored)[:limit])


def _distance(left: str, right: str) -> int:
    """Return the edit distance in which a swap of neighbours counts as one step."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
