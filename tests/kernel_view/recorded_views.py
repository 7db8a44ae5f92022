"""Recorded nodes as tests of the kernel's view have them: what the kernel had, and what the daemon said."""

from pathlib import Path
from typing import NamedTuple

from harness import RECORDINGS

from mipsh.kernel_view.view import View, look
from mipsh.linux.facts_recorded import RecordedSource
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.plugins.engines import umip_text
from mipsh.recording import load

MN, MN2, HA, CN, CN2 = "2001:db8:1::100", "2001:db8:1::200", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:4::3"
FIRST, SECOND = "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:3:0:f809:44ff:fec8:30f9"
"""Where the mobile node is on the first and on the second foreign link."""
MN2_AT = "2001:db8:3:0:34a1:54ff:feab:99e2"
SECURED = "2001:db8:2:0:90dd:42ff:fe1a:9a42"


class Daemon(NamedTuple):
    """What a daemon said: its binding cache and its binding update list; none where it keeps none."""

    cache: tuple[BindingCacheEntry, ...]
    updates: tuple[BindingUpdateListEntry, ...]


def kernel(folder: str, node: str, root: Path = RECORDINGS) -> View:
    """Return what a node's kernel had."""
    return look(RecordedSource(root / folder, node), has_whole_flags=False)


def daemon(folder: str, node: str) -> Daemon:
    """Return what a node's daemon said last, in its longest form."""
    said = {one.command.strip(): one.reply for one in load(RECORDINGS / folder, node).exchanges}
    cache = umip_text.parse_binding_cache(umip_text.clean(said["bc"])).rows
    is_mobile = "unknown command" not in said["bul"]
    updates = umip_text.parse_binding_update_list(umip_text.clean(said["bul"])).rows if is_mobile else ()
    return Daemon(
        tuple(row for row in cache if isinstance(row, BindingCacheEntry)),
        tuple(row for row in updates if isinstance(row, BindingUpdateListEntry)),
    )
