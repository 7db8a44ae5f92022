"""All state machines of a node, for whoever draws or checks them."""

from collections.abc import Mapping

from mipsh.mobility.correspondent_cache import BINDING as CORRESPONDENT_BINDING
from mipsh.mobility.home.cache import BINDING as HOME_BINDING
from mipsh.mobility.host.addresses import ADDRESS
from mipsh.mobility.host.neighbours import NEIGHBOUR
from mipsh.mobility.host.routers import ROUTER
from mipsh.mobility.machine import Drawing
from mipsh.mobility.mobile.attachment import ATTACHMENT
from mipsh.mobility.mobile.discovery import DISCOVERY
from mipsh.mobility.mobile.home_machine import HOME_REGISTRATION
from mipsh.mobility.mobile.prefixes import PREFIX_DISCOVERY
from mipsh.mobility.mobile.return_routability import ADDRESS_TEST
from mipsh.mobility.mobile.update_list import CORRESPONDENT_REGISTRATION

DRAWINGS: Mapping[str, Drawing] = {
    "correspondent_cache": CORRESPONDENT_BINDING.drawing(),
    "home/cache": HOME_BINDING.drawing(),
    "host/addresses": ADDRESS.drawing(),
    "host/neighbours": NEIGHBOUR.drawing(),
    "host/routers": ROUTER.drawing(),
    "mobile/attachment": ATTACHMENT.drawing(),
    "mobile/discovery": DISCOVERY.drawing(),
    "mobile/home_machine": HOME_REGISTRATION.drawing(),
    "mobile/prefixes": PREFIX_DISCOVERY.drawing(),
    "mobile/return_routability": ADDRESS_TEST.drawing(),
    "mobile/update_list": CORRESPONDENT_REGISTRATION.drawing(),
}
"""By the module that has the table, from ``mipsh/mobility``."""
