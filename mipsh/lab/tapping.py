"""A link of a lab into a capture file, as long as somebody wants it."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mipsh.errors import OutputError
from mipsh.lab.state import FILE_MODE
from mipsh.linux import lab_links
from mipsh.linux.tap import Tap
from mipsh.wire import pcap

LOOK_S = 0.2


def record(namespace: str, link: str, path: Path, seconds: float | None, ready: Callable[[], None]) -> int:
    """Write the frames of a link into a file until interrupted, or for so long; return how many there were.

    ``ready`` is called when nothing is missed any more. The file is whole after every frame. Raises
    OutputError where it cannot be written.
    """
    count = 0
    with lab_links.inside(namespace, lambda: Tap(link)) as tap:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(handle, "wb") as file, suppress(KeyboardInterrupt):
                file.write(pcap.file_header(pcap.ETHERNET))
                ready()
                deadline = None if seconds is None else time.monotonic() + seconds
                while deadline is None or time.monotonic() < deadline:
                    left = LOOK_S if deadline is None else min(LOOK_S, max(deadline - time.monotonic(), 0.0))
                    for moment_ns, frame in tap.frames(left):
                        file.write(pcap.record(moment_ns, frame))
                        count += 1
                    file.flush()
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}", "name another file") from error
    return count
