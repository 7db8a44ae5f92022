"""What mipd makes of each option of mip6d.conf: those it has, those with one value only, and those it has not."""

from msgspec import Struct

from mipsh.node.mip6d_syntax import Kind, Value
from mipsh.node.places import Place

ENABLED = ("enabled", "allow", "true")
DISABLED = ("disabled", "deny", "block", "false")
ROLES = ("CN", "MN", "HA")
LONGEST_BINDING_S = 262_140
LONGEST_CORRESPONDENT_BINDING_S = 420


def is_enabled(value: Value) -> bool | None:
    """Return what a word says; None where it says neither."""
    if value.kind is not Kind.WORD or value.text not in (*ENABLED, *DISABLED):
        return None
    return value.text in ENABLED


class Scalar(Struct, frozen=True):
    """An option with one value: a flag, one of some words, or a number up to ``most``."""

    kind: Kind
    initial: str
    words: tuple[str, ...] = ()
    most: int = 0

    @property
    def default(self) -> Value:
        """What mip6d takes where nothing is said."""
        return Value(self.kind, self.initial, Place(1, 1))

    @property
    def expected(self) -> str:
        """What the value may be."""
        if self.kind is Kind.NUMBER:
            return f"a number of seconds from 0 to {self.most}"
        return f"{', '.join(self.words[:-1])} or {self.words[-1]}"

    def fits(self, value: Value) -> bool:
        """Tell whether a value may be given."""
        if value.kind is not self.kind:
            return False
        if self.kind is Kind.NUMBER:
            return value.text.isdecimal() and len(value.text) < 10 and int(value.text) <= self.most
        return value.text in self.words


class Fixed(Struct, frozen=True):
    """An option of which mipd has one value only, and why."""

    value: str
    why: str

    def allows(self, value: Value) -> bool:
        """Tell whether a value means what mipd does."""
        if is_enabled(value) is not None:
            return is_enabled(value) == is_enabled(Value(Kind.WORD, self.value, value.place))
        if value.kind is Kind.NUMBER:
            return self.value[:1].isdecimal() and float(value.text[:20]) == float(self.value)
        return value.text == self.value


def _flag(initial: str) -> Scalar:
    return Scalar(Kind.WORD, initial, (*ENABLED, *DISABLED))


SCALARS = {
    "NodeConfig": Scalar(Kind.WORD, "CN", ROLES),
    "DoRouteOptimizationCN": _flag("enabled"),
    "DoRouteOptimizationMN": _flag("enabled"),
    "UseCnBuAck": _flag("disabled"),
    "UseMnHaIPsec": _flag("enabled"),
    "MobRtrUseExplicitMode": _flag("enabled"),
    "HaAcceptMobRtr": _flag("disabled"),
    "DefaultBindingAclPolicy": _flag("allow"),
    "HaMaxBindingLife": Scalar(Kind.NUMBER, str(LONGEST_BINDING_S), most=LONGEST_BINDING_S),
    "MnMaxHaBindingLife": Scalar(Kind.NUMBER, str(LONGEST_BINDING_S), most=LONGEST_BINDING_S),
    "MnMaxCnBindingLife": Scalar(
        Kind.NUMBER, str(LONGEST_CORRESPONDENT_BINDING_S), most=LONGEST_CORRESPONDENT_BINDING_S
    ),
}

_LEAVE = "leave it out"

FIXED = {
    "DebugLevel": Fixed("0", "mipd logs its events whatever the level; " + _LEAVE),
    "NonVolatileBindingCache": Fixed("disabled", "its binding cache is in memory; mobile nodes register again"),
    "OptimisticHandoff": Fixed("disabled", "it waits for the home agent's answer; " + _LEAVE),
    "MnUseAllInterfaces": Fixed("disabled", 'name them: Interface "eth0";'),
    "MnRouterProbes": Fixed("0", "it probes routers as RFC 4861 says; " + _LEAVE),
    "MnDiscardHaParamProb": Fixed("disabled", _LEAVE),
    "SendMobPfxSols": Fixed("enabled", _LEAVE),
    "SendMobPfxAdvs": Fixed("enabled", _LEAVE),
    "SendUnsolMobPfxAdvs": Fixed("enabled", _LEAVE),
    "MinMobPfxAdvInterval": Fixed("600", "that is RFC 6275's; " + _LEAVE),
    "MaxMobPfxAdvInterval": Fixed("86400", "that is RFC 6275's; " + _LEAVE),
    "InitialBindackTimeoutFirstReg": Fixed("1.5", "that is RFC 6275's; " + _LEAVE),
    "InitialBindackTimeoutReReg": Fixed("1.0", "that is RFC 6275's; " + _LEAVE),
    "KeyMngMobCapability": Fixed("disabled", "mipd has no IPsec between mobile node and home agent"),
    "UseMovementModule": Fixed("internal", _LEAVE),
}

NEEDED_BY = {
    "DoRouteOptimizationMN": "MN",
    "UseCnBuAck": "MN",
    "MobRtrUseExplicitMode": "MN",
    "MnMaxHaBindingLife": "MN",
    "MnMaxCnBindingLife": "MN",
    "HaAcceptMobRtr": "HA",
    "HaMaxBindingLife": "HA",
    "DefaultBindingAclPolicy": "HA",
}
"""The role that an option is for, where it is not for all."""

UNSUPPORTED = {
    "DebugLogFile": "it logs to its standard error: let systemd or the shell send that to a file",
    "IPsecPolicySet": "mipd has no IPsec between mobile node and home agent",
    "IPsecPolicy": "mipd has no IPsec between mobile node and home agent",
    "UsePolicyModule": _LEAVE,
    "MnRouterProbeTimeout": "it probes routers as RFC 4861 says; " + _LEAVE,
    "InitialSolicitTimer": _LEAVE,
    "HaHomeLink": "a home agent serves the prefixes of its interfaces' addresses",
    "LinkName": _LEAVE,
}
