"""The packet filter of a namespace with rules in it, as the kernel says it."""

import shutil
import subprocess
import sys

import pytest
from msgspec import json

pytestmark = pytest.mark.system

INSIDE = """
import sys
from msgspec import json
from pyroute2.nftables.main import NFTables
from mipsh.linux.facts_filter import ruleset

def made(name, **values):
    said = [(f"NFTA_{key}", value) for key, value in values.items()]
    return {"attrs": [("NFTA_EXPR_NAME", name), ("NFTA_EXPR_DATA", {"attrs": said})]}

drop = {"attrs": [("NFTA_DATA_VERDICT", {"attrs": [("NFTA_VERDICT_CODE", 0)]})]}
wanted = {"attrs": [("NFTA_DATA_VALUE", bytes([135]))]}
with NFTables(nfgen_family=10) as kernel:
    kernel.table("add", name="filter")
    kernel.chain("add", table="filter", name="in", hook="input", type="filter", policy=1)
    rule = (
        made("meta", META_DREG=1, META_KEY=16),
        made("cmp", CMP_SREG=1, CMP_OP=0, CMP_DATA=wanted),
        made("counter", COUNTER_BYTES=0, COUNTER_PACKETS=0),
        made("immediate", IMMEDIATE_DREG=0, IMMEDIATE_DATA=drop),
    )
    kernel.rule("add", table="filter", chain="in", expressions=(rule,))
found, _ = ruleset()
(chain,) = found.chains
listed = chain.rules[0].expressions
said = [[one.name, one.values.get("verdict", ""), one.values.get("data", b"").hex()] for one in listed]
print(json.encode([chain.hook, chain.policy, chain.rules[0].packets, said]).decode())
"""


def test_a_rule_that_was_made_is_read_back() -> None:
    """``meta l4proto 135 counter drop``, in a network namespace of its own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare(1) of util-linux is not installed")
    argv = [unshare, "-n", sys.executable, "-c", INSIDE]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if "Operation not supported" in done.stderr or "Protocol not supported" in done.stderr:
        pytest.skip("this kernel has no nftables")
    assert done.returncode == 0, done.stderr
    assert json.decode(done.stdout) == [
        "input",
        "accept",
        0,
        [["meta", "", ""], ["cmp", "", "87"], ["counter", "", ""], ["immediate", "drop", ""]],
    ]
