"""The options of mip6d.conf as UMIP 1.0 has them: values, defaults, roles, and what a SIGHUP does with each.

After the grammar (src/gram.y), the defaults (conf_default in src/conf.c) and what a reload applies
(conf_apply_changes in src/conf_changes.c). mip6d refuses a file with anything that its grammar has not, and
then runs as a correspondent node with defaults where no file was named with ``-c``.
"""

from mipsh.config_files.options import (
    ADDRESS,
    PREFIX,
    STRING,
    Misfit,
    Option,
    Reload,
    Shape,
    is_address,
    is_between,
    is_prefix,
    is_string,
    nothing,
    number,
    one,
    whole,
    words,
)
from mipsh.config_files.tree import Kind, Statement, Value

TRUE = ("enabled", "allow", "true")
FALSE = ("disabled", "deny", "block", "false")
ROLES = ("CN", "HA", "MN")
ALL, MN, HA, MN_HA = ROLES, ("MN",), ("HA",), ("HA", "MN")
MOST = 4_294_967_295
LONGEST_LIFETIME_S = 262_140
LONGEST_CORRESPONDENT_LIFETIME_S = 420
LONGEST_INTERFACE_NAME = 15
PROTECTED = (
    "HomeRegBinding",
    "Mh",
    "MobPfxDisc",
    "ICMP",
    "any",
    "TunnelHomeTesting",
    "TunnelMh",
    "TunnelPayload",
)
"""What an IPsecPolicy protects."""
PROTOCOLS = ("UseESP", "UseAH", "UseIPComp")
TOP, INTERFACE, HOME_LINK, POLICY_SET, CN_SET = "", "Interface", "MnHomeLink", "IPsecPolicySet", "CnBindingPolicySet"
CN_POLICY = "(policy)"
"""The name that a line of CnBindingPolicySet goes by: it begins with an address."""

RESTART, IGNORED = Reload.RESTART, Reload.NOTHING


def is_enabled(value: Value) -> bool | None:
    """Return what a flag says; None for a value that is none."""
    if value.kind is not Kind.WORD or value.text not in (*TRUE, *FALSE):
        return None
    return value.text in TRUE


def is_flag(value: Value) -> bool:
    """Tell whether a value is a flag."""
    return is_enabled(value) is not None


FLAG = one("enabled or disabled", is_flag)


def _access(value: Value) -> bool:
    return is_flag(value) or (value.kind is Kind.NUMBER and number(value) <= 255)


def _interface(statement: Statement) -> Misfit | None:
    found = STRING(statement)
    if found is None and len(statement.values[0].text.encode()) > LONGEST_INTERFACE_NAME:
        return Misfit(statement.values[0], f"a name of {LONGEST_INTERFACE_NAME} characters at most")
    return found


def _seconds(least: float) -> Shape:
    """Return the shape of an option in seconds that the grammar takes as a decimal."""
    return one(
        f"seconds as a decimal number of at least {least}, as 1.5",
        lambda value: value.kind is Kind.DECIMAL and is_between(value, least, MOST),
        taken=lambda value: value.kind is Kind.NUMBER and is_between(value, least, MOST),
    )


def _home_address(statement: Statement) -> Misfit | None:
    """ADDRESS/LENGTH, and the prefixes behind a mobile router in parentheses."""
    expected = "ADDRESS/LENGTH, and (PREFIX/LENGTH, …) of a mobile router"
    if not statement.values or not is_prefix(statement.values[0]):
        return Misfit(statement.values[0] if statement.values else None, expected)
    return _prefixes(statement.values[1:], expected)


def _prefixes(values: tuple[Value, ...], expected: str) -> Misfit | None:
    """Say what is not one list of prefixes, or nothing."""
    for value in values[1:]:
        return Misfit(value, expected)
    for value in values:
        if value.kind is not Kind.LIST or not value.items:
            return Misfit(value, expected)
        for item in value.items:
            if not is_prefix(item):
                return Misfit(item, "an IPv6 address/length")
    return None


def _acl(statement: Statement) -> Misfit | None:
    """ADDRESS, the prefixes of a mobile router, and allow, deny or a status."""
    expected = "ADDRESS, (PREFIX/LENGTH, …) of a mobile router, and allow or deny"
    values = statement.values
    if len(values) < 2 or not is_address(values[0]):
        return Misfit(values[0] if values else None, expected)
    if not _access(values[-1]):
        return Misfit(values[-1], "allow or deny, or a status of 0 to 255")
    return _prefixes(values[1:-1], expected)


def _ro_policy(statement: Statement) -> Misfit | None:
    """An address or none, and a flag."""
    *peers, last = statement.values or (None,)
    if last is None or not is_flag(last):
        return Misfit(last, "ADDRESS or nothing, and enabled or disabled")
    wrong = [peer for peer in peers[:1] if not is_address(peer)] + peers[1:]
    return Misfit(wrong[0], "ADDRESS or nothing, and enabled or disabled") if wrong else None


def _cn_policy(statement: Statement) -> Misfit | None:
    """The mobile node's home address, which is the head, the own address or none, and a flag."""
    if statement.head is None or not is_address(statement.head):
        return Misfit(statement.head, "HOME-ADDRESS, own ADDRESS or nothing, and enabled or disabled")
    return _ro_policy(statement)


def _ipsec(statement: Statement) -> Misfit | None:
    """What is protected, by one to three protocols, with no, one or two reqids, and a flag."""
    values = list(statement.values)
    if not values or values[0].text not in PROTECTED:
        return Misfit(values[0] if values else None, f"one of {', '.join(PROTECTED)}")
    rest = values[1:]
    protocols = [value for value in rest[:3] if value.text in PROTOCOLS]
    rest = rest[len(protocols) :]
    if not protocols:
        return Misfit(rest[0] if rest else None, f"one of {', '.join(PROTOCOLS)} behind {values[0].text}")
    reqids = [value for value in rest[:2] if value.kind is Kind.NUMBER]
    rest = rest[len(reqids) :]
    if rest and is_flag(rest[0]):
        rest = rest[1:]
    for value in rest:
        return Misfit(value, "REQID-TO-HA REQID-TO-MN, and allow or block")
    for value in reqids:
        if number(value) > MOST:
            return Misfit(value, f"a reqid of at most {MOST}")
    for value in protocols:
        if value.text != "UseESP":
            return Misfit(value, "UseESP, as mip6d is commonly built")
    return None


def _movement(value: Value) -> bool:
    return is_string(value) or (value.kind is Kind.WORD and value.text == "internal")


def _lifetime(most: int) -> Shape:
    return whole(0, most, "seconds")


_OPTIONS = (
    # All roles.
    Option("NodeConfig", TOP, words(*ROLES), "the role", "CN", ALL, RESTART,
           note="a reload with another role changes nothing at all"),
    Option("DebugLevel", TOP, whole(0, MOST), "how much is logged; above 0 it stays on the terminal", "0", ALL),
    Option("DebugLogFile", TOP, STRING, "file for the log", None, ALL, RESTART),
    Option("NonVolatileBindingCache", TOP, FLAG, "has no effect: the binding cache is in memory", "disabled", ALL,
           IGNORED),
    Option("DoRouteOptimizationCN", TOP, FLAG, "whether it takes part in route optimisation as a correspondent node",
           "enabled", ALL),
    Option("CnBindingPolicySet", TOP, nothing, "whose bindings a correspondent node takes", None, ALL, RESTART,
           many=True, has_body=True),
    Option(CN_POLICY, CN_SET, _cn_policy, "whether a mobile node's binding is taken", None, ALL, RESTART, many=True),
    Option("UsePolicyModule", TOP, STRING, "shared object with policies of its own", None, ALL, RESTART),
    # Home agent and mobile node.
    Option("Interface", TOP, _interface, "an interface to use", None, MN_HA, many=True, has_body=True),
    Option("IfType", INTERFACE, words(*ROLES), "another role on this interface", None, MN_HA),
    Option("MnIfPreference", INTERFACE, whole(0, 10), "1 is preferred most; 0: not used", "5", MN),
    Option("Tunnel", INTERFACE, FLAG, "whether it is a tunnel", "disabled", MN),
    Option("UseMnHaIPsec", TOP, FLAG, "whether IPsec protects what mobile node and home agent exchange", "enabled",
           MN_HA, RESTART),
    Option("KeyMngMobCapability", TOP, FLAG, "whether key management survives a move (K flag)", "disabled", MN_HA),
    Option("IPsecPolicySet", TOP, nothing, "IPsec policies of a home agent and its mobile nodes", None, MN_HA,
           many=True, has_body=True, note="policies are taken while UseMnHaIPsec was enabled at the start"),
    Option("HomeAgentAddress", POLICY_SET, ADDRESS, "the home agent", None, MN_HA),
    Option("HomeAddress", POLICY_SET, PREFIX, "a mobile node", None, MN_HA, many=True),
    Option("IPsecPolicy", POLICY_SET, _ipsec, "what is protected, how, and with which reqids", None, MN_HA, many=True),
    # Home agent.
    Option("HaMaxBindingLife", TOP, _lifetime(LONGEST_LIFETIME_S), "longest lifetime that is granted",
           str(LONGEST_LIFETIME_S), HA, unit="s"),
    Option("SendMobPfxAdvs", TOP, FLAG, "whether mobile prefix advertisements are sent", "enabled", HA),
    Option("SendUnsolMobPfxAdvs", TOP, FLAG, "whether also unsolicited ones", "enabled", HA),
    Option("MinMobPfxAdvInterval", TOP, whole(0, MOST, "seconds"), "shortest time between them", "600", HA, unit="s"),
    Option("MaxMobPfxAdvInterval", TOP, whole(0, MOST, "seconds"), "longest time between them", "86400", HA, unit="s"),
    Option("HaAcceptMobRtr", TOP, FLAG, "whether mobile routers are served", "disabled", HA),
    Option("HaServedPrefix", TOP, PREFIX, "prefix that mobile networks are in", None, HA, many=True),
    Option("DefaultBindingAclPolicy", TOP, one("allow or deny, or a status of 0 to 255", _access),
           "whether others than those named may register", "allow", HA),
    Option("BindingAclPolicy", TOP, _acl, "whether a mobile node may register", None, HA, many=True),
    # Mobile node.
    Option("MnMaxHaBindingLife", TOP, _lifetime(LONGEST_LIFETIME_S), "longest lifetime asked of the home agent",
           str(LONGEST_LIFETIME_S), MN, RESTART, unit="s", note="a reload does not look at it"),
    Option("MnMaxCnBindingLife", TOP, _lifetime(LONGEST_CORRESPONDENT_LIFETIME_S),
           "longest lifetime asked of correspondents",
           str(LONGEST_CORRESPONDENT_LIFETIME_S), MN, unit="s", note="for new bindings"),
    Option("MnDiscardHaParamProb", TOP, FLAG, "whether ICMPv6 Parameter Problem of the home agent is ignored",
           "disabled", MN),
    Option("MnResetDhaadAtHome", TOP, FLAG, "whether the home agent is forgotten at home", "disabled", MN),
    Option("MnFlushAllAtHome", TOP, FLAG, "whether bindings at correspondents are dropped at home", "disabled", MN),
    Option("MnMaxHaConsecutiveResends", TOP, whole(0, MOST), "after how many resends another home agent is sought",
           "5", MN),
    Option("MnMaxCnConsecutiveResends", TOP, whole(0, MOST),
           "after how many resends a correspondent is given up; 0: never", "0", MN),
    Option("SendMobPfxSols", TOP, FLAG, "whether mobile prefix solicitations are sent", "enabled", MN),
    Option("DoRouteOptimizationMN", TOP, FLAG, "whether routes to correspondents are optimised", "enabled", MN,
           note="a reload enables it, and cannot disable it"),
    Option("MnUseAllInterfaces", TOP, FLAG, "whether interfaces that are not named are used", "disabled", MN,
           note="for new interfaces"),
    Option("MobRtrUseExplicitMode", TOP, FLAG, "whether a mobile router names its prefixes", "enabled", MN),
    Option("UseCnBuAck", TOP, FLAG, "whether correspondents are asked for an acknowledgement", "disabled", MN),
    Option("InterfaceInitialInitDelay", TOP, _seconds(0), "wait before a new interface is used", "2.0", MN, RESTART,
           unit="s"),
    Option("MnRouterProbes", TOP, whole(0, MOST), "probes of a router before it is believed gone", "0", MN),
    Option("MnRouterProbeTimeout", TOP, _seconds(0), "wait for the answer to a probe", "0.0", MN, unit="s"),
    Option("InitialBindackTimeoutFirstReg", TOP, _seconds(0), "wait for the acknowledgement of a first Binding Update",
           "1.5", MN, unit="s", note="for new bindings"),
    Option("InitialBindackTimeoutReReg", TOP, _seconds(0), "wait for that of later ones", "1.0", MN, unit="s",
           note="for a binding when it is made anew"),
    Option("InitialSolicitTimer", TOP, _seconds(0), "wait for the answer to a mobile prefix solicitation", "3.0", MN,
           RESTART, unit="s"),
    Option("OptimisticHandoff", TOP, FLAG, "whether packets leave before the home agent has answered", "disabled", MN),
    Option("NoHomeReturn", TOP, FLAG, "whether it stays away from home at its home link", "disabled", MN),
    Option("UseMovementModule", TOP, one("internal, or a name in quotes", _movement), "what detects movement",
           "internal", MN, RESTART),
    Option("MnHomeLink", TOP, _interface, "a home link, by its interface", None, MN, RESTART, many=True, has_body=True),
    Option("HomeAgentAddress", HOME_LINK, ADDRESS, "the home agent; ::: it is discovered", "::", MN, RESTART),
    Option("HomeAddress", HOME_LINK, _home_address, "the home address", None, MN, RESTART),
    Option("HomePrefix", HOME_LINK, PREFIX, "the home prefix; none: that of the home address", None, MN, RESTART),
    Option("UseAltCoa", HOME_LINK, FLAG, "whether an Alternate Care-of Address option is sent", "disabled", MN,
           RESTART),
    Option("IsMobRtr", HOME_LINK, FLAG, "whether it is a mobile router", "disabled", MN, RESTART),
    Option("MnRoPolicy", HOME_LINK, _ro_policy, "whether the route to a correspondent, or to all, is optimised", None,
           MN, RESTART, many=True),
)  # fmt: skip
OPTIONS = {(option.block, option.name): option for option in _OPTIONS}

GONE = {
    "LinkName": "it was of earlier versions; write the name behind Interface or MnHomeLink",
    "HaHomeLink": 'it was of earlier versions; name the interface: Interface "eth0";',
}
"""Names of other versions, and what to write."""

DUAL_STACK = ("MnUseDsmip6", "HaAcceptDsmip6", "HomeAgentV4Address", "TunnelPayloadForceSANego")
PROXY = ("LmaAddress", "OurAddress", "HomeNetworkPrefix", "AllLmaMulticastAddress", "PBULifeTime", "PBALifeTime")
FORKS = dict.fromkeys(DUAL_STACK, "dual-stack (DSMIPv6)") | dict.fromkeys(PROXY, "proxy (PMIPv6)")
"""Names that a fork of UMIP has, and which."""


def options_of(block: str) -> list[str]:
    """Return the names of the options that may stand in a block."""
    return [name for inside, name in OPTIONS if inside == block and name != CN_POLICY]
