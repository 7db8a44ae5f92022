"""What changes from one configuration to another, and what it takes until the daemon does otherwise.

A reload (SIGHUP) is as mip6d's conf_apply_changes does it: with another role it takes nothing at all, and IPsec
policies are exchanged while UseMnHaIPsec is enabled and stays so. radvd reads its whole file anew.
"""

from collections.abc import Iterator

from msgspec import Struct, structs

from mipsh.config_files import radvd
from mipsh.config_files.including import Whole
from mipsh.config_files.mip6d import Mip6dConf, Setting, understand
from mipsh.config_files.mip6d_options import CN_POLICY, POLICY_SET
from mipsh.config_files.options import Option, Reload
from mipsh.config_files.tree import Place
from mipsh.wire.address import text as address_text


class Difference(Struct, frozen=True):
    """An option that is not the same; None where it has no value. Without a place it is the default."""

    option: str
    before: str | None
    after: str | None
    takes: Reload
    note: str = ""
    before_place: Place | None = None
    after_place: Place | None = None


class _Held(Struct, frozen=True):
    """An option as a file has it."""

    value: str | None
    option: Option | None
    place: Place | None


class _ByKey:
    """Options by what tells one from another; what is there again has a number behind it."""

    def __init__(self) -> None:
        self.held: dict[str, _Held] = {}
        self._times: dict[str, int] = {}

    def add(self, key: str, held: _Held) -> None:
        """Keep an option."""
        times = self._times[key] = self._times.get(key, 0) + 1
        self.held[key if times == 1 else f"{key} ({times})"] = held


def compare(before: Whole, after: Whole) -> list[Difference]:
    """Return what is not the same, in the order of the options' names."""
    if radvd.is_radvd(before) or radvd.is_radvd(after):
        pairs = _radvd(before), _radvd(after)
        return sorted(_differences(*pairs), key=lambda one: one.option)
    one, other = understand(before), understand(after)
    found = [_judged(change, one, other) for change in _differences(_mip6d(one), _mip6d(other))]
    if one.role != other.role:
        note = "NodeConfig changes: a reload takes nothing"
        found = [structs.replace(change, takes=Reload.RESTART, note=note) for change in found]
    return sorted(found, key=lambda change: change.option)


def _differences(before: dict[str, _Held], after: dict[str, _Held]) -> Iterator[Difference]:
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if (old.value if old else None) == (new.value if new else None) and bool(old) == bool(new):
            continue
        known = (new.option if new else None) or (old.option if old else None)
        yield Difference(
            key,
            old.value if old else None,
            new.value if new else None,
            Reload.RESTART if known is None else known.reload,
            "mip6d has no such option, and refuses the file" if known is None else known.note,
            old.place if old else None,
            new.place if new else None,
        )


def _judged(change: Difference, before: Mip6dConf, after: Mip6dConf) -> Difference:
    """Return a difference with what else decides whether a reload takes it."""
    if change.option == "DoRouteOptimizationMN" and not after.flag("DoRouteOptimizationMN"):
        return structs.replace(change, takes=Reload.RESTART)
    if not change.option.startswith(POLICY_SET):
        return change
    was, is_now = before.flag("UseMnHaIPsec"), after.flag("UseMnHaIPsec")
    if was and is_now:
        return change
    note = "UseMnHaIPsec changes, too" if was != is_now else "UseMnHaIPsec is disabled: it has no effect"
    return structs.replace(change, takes=Reload.RESTART if was != is_now else Reload.NOTHING, note=note)


def _mip6d(conf: Mip6dConf) -> dict[str, _Held]:
    """Return the options of a mip6d.conf by what tells one from another."""
    found = _ByKey()
    for setting in conf.settings:
        if setting.block.startswith(POLICY_SET) or setting.name == POLICY_SET:
            continue
        is_bare = setting.statement is not None and setting.statement.body is not None and not setting.statement.values
        if is_bare and setting.option is not None:
            continue
        key, value = _told_apart(setting)
        found.add(key, _Held(value, setting.option, setting.place))
    block = next((one.option for one in conf.settings if one.name == POLICY_SET), None)
    for policy in conf.policies:
        pair = f"{address_text(policy.home_agent)} {address_text(policy.home_address)}"
        key = f"{POLICY_SET} {pair} {policy.protects}"
        reqids = f"{policy.to_agent} {policy.to_node}"
        value = f"{' '.join(policy.protocols)} {reqids} {'allow' if policy.is_allowed else 'block'}"
        found.add(key, _Held(value, block, policy.place))
    return found.held


def _radvd(whole: Whole) -> dict[str, _Held]:
    found = _ByKey()
    for setting in radvd.settings(whole):
        found.add(setting.path, _Held(setting.value, setting.option, setting.place))
    return found.held


def _told_apart(setting: Setting) -> tuple[str, str | None]:
    """Return a key and a value: of what may be there several times, the first word is in the key."""
    option = setting.option
    if setting.statement is None or (option is not None and not option.many):
        return setting.path, setting.value
    if option is not None and option.has_body:
        return setting.statement.written, None
    words = [value.written for value in setting.statement.values]
    if setting.name == CN_POLICY:
        return f"{setting.path} {setting.statement.name}", " ".join(words)
    if not words:
        return setting.path, None
    return f"{setting.path} {words[0]}", " ".join(words[1:]) or None
