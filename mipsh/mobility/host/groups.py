"""The multicast groups that an interface listens to."""

from mipsh.wire.address import solicited_node


class Groups:
    """A group is listened to while somebody wants it; addresses share solicited-node groups.

    ``changes`` counts how often the groups changed, and ``all`` is the same object until they do.
    """

    def __init__(self, *groups: bytes) -> None:
        self._wanted: dict[bytes, int] = {}
        self._all: frozenset[bytes] | None = None
        self.changes = 0
        for group in groups:
            self.join(group)

    def __contains__(self, group: bytes) -> bool:
        """Tell whether a group is listened to."""
        return group in self._wanted

    @property
    def all(self) -> frozenset[bytes]:
        """All groups."""
        if self._all is None:
            self._all = frozenset(self._wanted)
        return self._all

    def join(self, group: bytes) -> None:
        """Listen to a group, once more."""
        count = self._wanted.get(group, 0)
        self._wanted[group] = count + 1
        if not count:
            self._changed()

    def leave(self, group: bytes) -> None:
        """Want a group once less; harmless where it is not listened to."""
        count = self._wanted.get(group, 0)
        if count > 1:
            self._wanted[group] = count - 1
        elif count:
            del self._wanted[group]
            self._changed()

    def join_for(self, address: bytes) -> None:
        """Listen to the solicited-node group of an address."""
        self.join(solicited_node(address))

    def leave_for(self, address: bytes) -> None:
        """Undo ``join_for``."""
        self.leave(solicited_node(address))

    def _changed(self) -> None:
        self._all = None
        self.changes += 1
