"""A path of links that refuse, swallow or lose packets, for a search to be run on."""

import random
from collections.abc import Sequence

from msgspec import Struct

from mipsh.path_mtu.search import Answer, Found, Reply, Search


class Link(Struct, frozen=True):
    """A link that takes packets of up to ``mtu`` bytes; ``says`` is what it tells of larger ones, None for nothing."""

    mtu: int
    says: int | None = None


class Path:
    """Links one behind the other; ``loss`` is the share of packets that are lost by chance."""

    def __init__(self, links: Sequence[Link], loss: float = 0.0, seed: int = 0) -> None:
        self._links, self._loss = links, loss
        self._dice = random.Random(seed)
        self.sizes: list[int] = []

    def __call__(self, size: int) -> Answer:
        """Return what becomes of a packet."""
        self.sizes.append(size)
        if self._dice.random() < self._loss:
            return Answer(Reply.SILENT)
        for link in self._links:
            if size > link.mtu:
                return Answer(Reply.SILENT) if link.says is None else Answer(Reply.TOO_BIG, link.says)
        return Answer(Reply.FITS)

    @property
    def mtu(self) -> int:
        """The largest packet that all links take."""
        return min(link.mtu for link in self._links)


def run(search: Search, path: Path) -> Found:
    """Run a search to its end."""
    while (size := search.next_size()) is not None:
        search.answer(size, path(size))
    return search.found
