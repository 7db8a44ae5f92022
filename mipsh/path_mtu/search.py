"""Searches for the largest packet that a path takes, by probes that are answered, refused, or neither.

Sizes are those of the whole IPv6 packet as a program sends it, in bytes. A search asks for one probe after the
other and never for more than ``most`` of them.
"""

from enum import StrEnum

from msgspec import Struct

LEAST_MTU = 1280
"""What every link takes (RFC 8200 section 5); a Packet Too Big that says less is not believed (RFC 8201 section 4)."""
SMALLEST = 56
"""An echo request with eight bytes of data."""
TRIES, MOST_PROBES = 3, 60


class Reply(StrEnum):
    """What became of a probe."""

    FITS = "fits"
    TOO_BIG = "too_big"
    """A Packet Too Big came, or the node itself did not send it in one piece."""
    SILENT = "silent"


class Answer(Struct, frozen=True):
    """What became of a probe; ``fits_mtu`` is the size that is said to fit, None where none is said."""

    reply: Reply
    fits_mtu: int | None = None


class Found(Struct, frozen=True):
    """What a search found.

    ``largest`` is the largest size that was answered, None for none. ``silent_from`` and ``silent_to`` bound the
    sizes that vanish, above ``largest`` and below those that are refused; None where none do. ``refused_from``
    is the smallest size that was refused. ``is_exact`` is False where probes ran out, and where sizes between
    ``largest`` and the next one were not tried.
    """

    largest: int | None
    refused_from: int | None
    silent_from: int | None
    silent_to: int | None
    is_exact: bool
    probes: int

    @property
    def has_hole(self) -> bool:
        """Tell whether larger packets vanish."""
        return self.largest is not None and self.silent_from is not None


class Search:
    """The search from one size up to another, the largest that the node's own link takes."""

    def __init__(self, top: int, *, least: int = SMALLEST, most: int = MOST_PROBES, tries: int = TRIES) -> None:
        self._top, self._least = max(top, least), least
        self._most, self._tries = most, tries
        self.probes = 0
        self._fits: int | None = None
        self._refused: int | None = None
        self._silent: dict[int, int] = {}
        """How often in a row each size was not answered."""
        self._hint: int | None = None
        self._is_confirmed = False

    def next_size(self) -> int | None:
        """Return the size to try now; None when the search is at its end."""
        if self.probes >= self._most:
            return None
        pending = [size for size, count in self._silent.items() if 0 < count < self._wanted(size)]
        if pending:
            return max(pending)
        if self._fits is None:
            return self._first()
        return self._between(self._fits)

    def _first(self) -> int | None:
        """Return the size to begin with: one that fits everywhere, and the smallest if that does not."""
        for size in (min(LEAST_MTU, self._top), self._least):
            if not self._is_out(size):
                return size
        return None

    def _is_out(self, size: int) -> bool:
        return size in self._silent or (self._refused is not None and size >= self._refused)

    def _between(self, fits: int) -> int | None:
        """Return the size to try between the largest that fits and the smallest that does not."""
        above = self._above(fits)
        if above - fits <= 1:
            return self._confirm(fits)
        if self._hint is not None and fits < self._hint < above:
            return self._hint
        if above > self._top and self._top > fits:
            return self._top
        return (fits + above) // 2

    def _above(self, fits: int) -> int:
        """Return the smallest size that is known not to fit."""
        silent = min((size for size in self._silent if size > fits), default=self._top + 1)
        return min(silent, self._top + 1 if self._refused is None else self._refused)

    def _wanted(self, size: int) -> int:
        """Return how often a size has to be tried before its silence counts."""
        is_edge = self._is_confirmed and self._fits is not None and size == self._fits + 1
        return self._tries * 2 if is_edge else self._tries

    def _confirm(self, fits: int) -> int | None:
        """Return the silent size that bounds the search once more, it may be chance; then the largest silent one."""
        edge = fits + 1
        if edge not in self._silent:
            return None
        if not self._is_confirmed:
            self._is_confirmed = True
            return edge
        return self._rim()

    def _rim(self) -> int | None:
        """Return the size to try between the largest that vanishes and the smallest that is refused above it."""
        above = self._top + 1 if self._refused is None else self._refused
        below = max(size for size in self._silent if size < above)
        if above - below <= 1:
            return None
        is_told = self._refused is None or self._hint == above - 1
        return above - 1 if is_told else (below + above) // 2

    def answer(self, size: int, answer: Answer) -> None:
        """Take in what became of a probe."""
        self.probes += 1
        if answer.reply is Reply.FITS:
            self._silent = {one: count for one, count in self._silent.items() if one > size}
            if self._fits is None or size > self._fits:
                self._fits, self._is_confirmed = size, False
            if self._refused is not None and self._refused <= size:
                self._refused = None
        elif answer.reply is Reply.TOO_BIG:
            self._silent.pop(size, None)
            self._refused = size if self._refused is None else min(self._refused, size)
            if answer.fits_mtu is not None and answer.fits_mtu < size:
                self._hint = answer.fits_mtu
                self._said(answer.fits_mtu)
        else:
            self._silent[size] = self._silent.get(size, 0) + 1

    def _said(self, fits_mtu: int) -> None:
        """Believe that all above a size that was told is refused, as far as nothing else was seen."""
        above = fits_mtu + 1
        is_open = self._fits is None or above > self._fits
        if is_open and not any(size >= above for size in self._silent):
            self._refused = above if self._refused is None else min(self._refused, above)

    @property
    def found(self) -> Found:
        """What is known now."""
        silent = [size for size, count in self._silent.items() if count >= self._tries]
        hole = [size for size in silent if self._refused is None or size < self._refused]
        if self._fits is None:
            return Found(None, self._refused, min(silent, default=None), max(silent, default=None), False, self.probes)
        above = self._above(self._fits)
        is_exact = above == self._fits + 1 and not self._unsettled()
        beyond = [size for size in hole if size > self._fits]
        first = None if not beyond else self._fits + 1 if is_exact else min(beyond)
        last = None if not beyond else self._last_silent(max(beyond))
        return Found(self._fits, self._refused, first, last, is_exact, self.probes)

    def _last_silent(self, largest: int) -> int:
        """Return where the silence ends: below the smallest size that is refused, if the two are known to meet."""
        return largest if self._refused is None else min(largest, self._refused - 1)

    def _unsettled(self) -> bool:
        """Tell whether a silence was not confirmed before probes ran out."""
        return any(count < self._tries for count in self._silent.values())
