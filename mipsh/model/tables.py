"""All tables by name. What shows one table names it itself: this is for who asks for any of them."""

from mipsh.model.actions import ACTION_TABLES
from mipsh.model.configuration import CONFIG_TABLES
from mipsh.model.findings import CHECK_TABLES
from mipsh.model.handovers import HANDOVER_TABLES
from mipsh.model.kernel_view import KERNEL_TABLES
from mipsh.model.packets import PACKET_TABLES
from mipsh.model.path_mtus import PATH_MTU_TABLES
from mipsh.model.paths import PATH_TABLES
from mipsh.model.records import ENGINE, ENGINE_TABLES
from mipsh.model.shell import SHELL_TABLES
from mipsh.model.traces import TRACE_TABLES
from mipsh.model.why import WHY_TABLES

TABLES = {
    **ENGINE_TABLES,
    ENGINE.name: ENGINE,
    **SHELL_TABLES,
    **ACTION_TABLES,
    **CONFIG_TABLES,
    **HANDOVER_TABLES,
    **PATH_MTU_TABLES,
    **PACKET_TABLES,
    **TRACE_TABLES,
    **PATH_TABLES,
    **WHY_TABLES,
    **CHECK_TABLES,
    **KERNEL_TABLES,
}
