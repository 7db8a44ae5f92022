"""Checks of the kernel: the options that Mobile IPv6 needs, by what the kernel shows and by how it was built."""

from mipsh.checks.check import About, Area, Judgements, affected, likely, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity
from mipsh.model.xfrm import TYPES

AREA = Area("kernel", "What the kernel is able to do, and what is known of its version")
UMIP_KERNEL = "UMIP INSTALL.kernel"
SUB = TYPES.index("sub")


@AREA.check(
    About(
        "OPT-01",
        "no Mobile IPv6 in the kernel (IPV6_MIP6)",
        Severity.CRITICAL,
        roles=("mn", "ha", "cn"),
        remedy=("modprobe mip6", "or boot a kernel with CONFIG_IPV6_MIP6"),
        reference=UMIP_KERNEL,
    )
)
def mobile_ipv6(facts: Facts) -> Judgements:
    """Look for IPV6_MIP6: Home Address options, type 2 routing headers and the filter of Mobility Headers.

    Without it mip6d ends at its start ("Requested type not found"), and a Home Address option is answered with
    a Parameter Problem of code 2. A state of the type hao or route2 that is there proves that it works.
    """
    if facts.can_read(Key.XS):
        ours = [state for state in facts.states if state.protocol in (43, 60)]
        if ours:
            yield passed(
                f"{len(ours)} states of the types hao and route2 are there",
                evidence=(facts.saw(Key.XS, f"{len(ours)} states"),),
                by=By.BEHAVIOUR,
            )
            return
    config = facts.kernel_config
    value = config.get("IPV6_MIP6")
    said = (facts.saw(Key.KC, f"CONFIG_IPV6_MIP6={value}"),)
    if value == "n":
        yield affected("CONFIG_IPV6_MIP6 is not set", expected="y or m", evidence=said)
    elif value == "m" and "mip6" not in config.loaded:
        yield unknown("it is a module, which is not loaded", expected="mip6 loaded", evidence=said)
    else:
        yield passed(f"CONFIG_IPV6_MIP6={value}", evidence=said)


@AREA.check(
    About(
        "OPT-03",
        "no XFRM policies of the type sub (XFRM_SUB_POLICY)",
        Severity.CRITICAL,
        roles=("mn", "ha", "cn"),
        remedy=("boot a kernel with CONFIG_XFRM_SUB_POLICY",),
        reference=UMIP_KERNEL,
    )
)
def sub_policies(facts: Facts) -> Judgements:
    """Look for policies of the type sub, which say the mobility of a packet as those of main say its IPsec.

    Without them every policy that mip6d makes is refused (EINVAL), and the daemon ends.
    """
    if facts.can_read(Key.XP):
        there = [policy for policy in facts.policies if policy.kind == SUB]
        if there:
            said = (facts.saw(Key.XP, f"{len(there)} policies of the type sub"),)
            yield passed(f"{len(there)} policies of the type sub are there", evidence=said, by=By.BEHAVIOUR)
            return
    value = facts.kernel_config.get("XFRM_SUB_POLICY")
    said = (facts.saw(Key.KC, f"CONFIG_XFRM_SUB_POLICY={value}"),)
    if value == "y":
        yield passed("CONFIG_XFRM_SUB_POLICY=y", evidence=said)
    else:
        yield affected("CONFIG_XFRM_SUB_POLICY is not set", expected="y", evidence=said)


@AREA.check(
    About(
        "OPT-04",
        "no route optimisation mode in XFRM (INET6_XFRM_MODE_ROUTEOPTIMIZATION)",
        Severity.CRITICAL,
        roles=("mn", "ha", "cn"),
        needs=(Key.KR,),
        reference="Linux 4c145dce2601",
    )
)
def route_optimisation_mode(facts: Facts) -> Judgements:
    """Look for the mode ro, an option of its own up to Linux 5.1, and always there since 5.2."""
    version = facts.kernel.version
    said = facts.saw(Key.KR, facts.kernel.release)
    if version >= (5, 2, 0):
        yield passed("since Linux 5.2 it is always there", evidence=(said,))
        return
    config = facts.kernel_config
    if config.has("INET6_XFRM_MODE_ROUTEOPTIMIZATION"):
        yield passed("it is built", evidence=(said,))
    else:
        yield likely("it is not set", evidence=(said,), by=By.CONFIGURATION)
