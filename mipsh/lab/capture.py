"""What was on a link, as a capture file that Wireshark opens: Ethernet frames with times in nanoseconds.

Frames stand there as they were sent, whatever became of them on their way.
"""

from mipsh.lab.link import Link
from mipsh.wire import pcap

EPOCH_NS = 1_750_000_000 * 10**9
"""The time of day, in nanoseconds since 1970, at which every network begins."""
ETHERTYPE = b"\x86\xdd"


class Capture:
    """Records a link from now on, until ``stop``."""

    def __init__(self, link: Link) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self._link = link
        link.taps.append(self._hear)

    def __len__(self) -> int:
        """Return how many frames there are."""
        return len(self.frames)

    def _hear(self, time: float, destination: bytes, source: bytes, data: bytes) -> None:
        self.frames.append((EPOCH_NS + round(time * 1e9), destination + source + ETHERTYPE + data))

    def stop(self) -> None:
        """Record no more; harmless when it was stopped before."""
        if self._hear in self._link.taps:
            self._link.taps.remove(self._hear)

    def packets(self) -> list[bytes]:
        """Return the packets, without their link-layer headers."""
        return [frame[14:] for _, frame in self.frames]

    def encode(self) -> bytes:
        """Return the capture file."""
        return pcap.write(pcap.ETHERNET, self.frames)
