"""A binding cache of 100,000 entries: from mip6d's text to records, and what these weigh.

The peer is TextFSM with a template that cuts the same text into strings; it makes no records,
reads no numbers and no addresses. Memory is measured in a process of its own (``--memory``).
"""

import io
import subprocess
import sys
import tracemalloc

import textfsm
from bindings import binding_cache
from measure import Row, elapsed_s, interleaved, report
from processes import PYTHON

from mipsh.plugins.engines.umip_text import parse_binding_cache

ENTRIES = 100_000
ROUNDS = 5
RATE_BAR = 100_000
PEER_BAR = 2.0
MEMORY_BAR = 1536

TEMPLATE = """\
Value HOA (\\S+)
Value HOA_NONCE (\\d+)
Value STATUS (\\S+)
Value COA (\\S+)
Value COA_NONCE (\\d+)
Value FLAGS (\\S+)
Value LOCAL (\\S+)
Value TUNNEL (\\S+)
Value LINK (\\S+)
Value LEFT (-?\\d+|-)
Value GRANTED (-?\\d+)
Value SEQ (\\d+)
Value UNREACH (\\d+)
Value MPA_LEFT (-?\\d+|-)
Value MPA_OF (-?\\d+)
Value RETRY (-?\\d+)

Start
  ^hoa ${HOA} nonce ${HOA_NONCE} status ${STATUS}
  ^ coa ${COA} nonce ${COA_NONCE} flags ${FLAGS}
  ^ local ${LOCAL} tunnel ${TUNNEL} link ${LINK}
  ^ lifetime ${LEFT} / ${GRANTED} seq ${SEQ} unreach ${UNREACH} mpa ${MPA_LEFT} / ${MPA_OF} retry ${RETRY} -> Record
"""


def textfsm_rows(text: str) -> int:
    """Return how many rows the peer cuts from the text."""
    return len(textfsm.TextFSM(io.StringIO(TEMPLATE)).ParseText(text))


def mipsh_rows(text: str) -> int:
    """Return how many records mipsh reads from the text; a line left unread is an error."""
    parsed = parse_binding_cache(text)
    if parsed.unread:
        raise ValueError(parsed.unread[0])
    return len(parsed.rows)


def held_and_peak() -> tuple[float, float]:
    """Return bytes an entry: held by the records, and at the peak of reading them."""
    text = binding_cache(ENTRIES)
    tracemalloc.start()
    parsed = parse_binding_cache(text)
    held, peak = tracemalloc.get_traced_memory()
    return held / len(parsed.rows), peak / len(parsed.rows)


def main() -> str:
    """Measure and return the report."""
    text = binding_cache(ENTRIES)
    if not mipsh_rows(text) == textfsm_rows(text) == ENTRIES:
        raise ValueError("the two do not see the same entries")
    medians = interleaved(
        {
            "mipsh": lambda: elapsed_s(lambda: mipsh_rows(text)),
            "textfsm": lambda: elapsed_s(lambda: textfsm_rows(text)),
        },
        ROUNDS,
        warm=0,
    )
    rate, peer = ENTRIES / medians["mipsh"], ENTRIES / medians["textfsm"]
    memory = subprocess.run([PYTHON, __file__, "--memory"], stdout=subprocess.PIPE, text=True, check=True).stdout
    held, peak = map(float, memory.split())
    cut = "TextFSM to strings"
    bar = f">= {RATE_BAR:,}/s"
    rows = [
        Row("text to records", f"{rate:,.0f}/s", cut, f"{peer:,.0f}/s", rate / peer, bar, rate >= RATE_BAR),
        Row("text to records", f"{rate:,.0f}/s", cut, f"{peer:,.0f}/s", rate / peer, ">= 2 x", rate >= PEER_BAR * peer),
        Row("memory at the peak", f"{peak:,.0f} B an entry", bar=f"<= {MEMORY_BAR:,} B", met=peak <= MEMORY_BAR),
        Row("memory held", f"{held:,.0f} B an entry", bar=f"<= {MEMORY_BAR:,} B", met=held <= MEMORY_BAR),
    ]
    size = len(text) / 1e6
    notes = [f"{ENTRIES:,} bindings, {size:.1f} MB of text, {ROUNDS} interleaved runs"]
    return report("Reading a large binding cache", notes, rows)


if __name__ == "__main__" and sys.argv[1:] == ["--memory"]:
    sys.stdout.write("{} {}\n".format(*held_and_peak()))
