"""The correspondent's secrets: Kcn and its nonces (RFC 6275 section 5.2.3, 5.2.5).

A nonce is made when a token is asked for and the newest one is too old. It stays good for its
lifetime; after that a token made from it is refused. Nothing is kept for a mobile node.
"""

from collections import OrderedDict
from collections.abc import Callable

from mipsh.mobility.constants import MAX_NONCE_LIFETIME_S
from mipsh.wire.authenticator import care_of_keygen_token, home_keygen_token

Entropy = Callable[[int], bytes]

FRESH_S = 30.0
NONCE_SIZE = 8
KCN_SIZE = 20
INDICES = 1 << 16


class Nonces:
    """Kcn, and the nonces that are still good, by index."""

    def __init__(self, entropy: Entropy, lifetime_s: float = MAX_NONCE_LIFETIME_S, fresh_s: float = FRESH_S) -> None:
        self._entropy = entropy
        self._kcn = entropy(KCN_SIZE)
        self._lifetime_s = lifetime_s
        self._fresh_s = fresh_s
        self._nonces: OrderedDict[int, tuple[float, bytes]] = OrderedDict()
        self._index = int.from_bytes(entropy(2))

    def current(self, now: float) -> int:
        """Return the index of a nonce that is fresh, making one where there is none."""
        self._forget(now)
        newest = self._nonces.get(self._index)
        if newest is None or now - newest[0] >= self._fresh_s:
            self._index = (self._index + 1) % INDICES
            self._nonces[self._index] = (now, self._entropy(NONCE_SIZE))
        return self._index

    def is_good(self, index: int, now: float) -> bool:
        """Tell whether tokens made from a nonce are still accepted."""
        self._forget(now)
        return index in self._nonces

    def expires(self, index: int) -> float:
        """Return when a good nonce ends."""
        return self._nonces[index][0] + self._lifetime_s

    def home_token(self, index: int, home_address: bytes) -> bytes:
        """Return the home keygen token of a good nonce."""
        return home_keygen_token(self._kcn, home_address, self._nonces[index][1])

    def care_of_token(self, index: int, care_of_address: bytes) -> bytes:
        """Return the care-of keygen token of a good nonce."""
        return care_of_keygen_token(self._kcn, care_of_address, self._nonces[index][1])

    def _forget(self, now: float) -> None:
        while self._nonces:
            index, (made, _) = next(iter(self._nonces.items()))
            if now - made < self._lifetime_s:
                return
            del self._nonces[index]
