"""mipd: a node on the real interfaces of a network namespace, until it is told to end.

It takes its interfaces over from the kernel, gives up all privileges that it can, and runs. SIGHUP lets
it read its file anew. SIGTERM and SIGINT let it take leave: a mobile node deregisters, a router says
that it goes, and the interfaces are the kernel's again. A second one ends it at once.
"""

import errno
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from msgspec import structs

from mipsh import __version__
from mipsh.errors import ConfigError, MipshError, RefusedError, UsageError
from mipsh.linux import kernel_ipv6, links, privileges
from mipsh.linux.kernel_ipv6 import Before, Kept
from mipsh.linux.packet_socket import PacketSocket
from mipsh.linux.tun import Tun
from mipsh.node import config_file
from mipsh.node.build import Begin, build, understand, with_mtus
from mipsh.node.config import InterfaceConfig, NodeConfig, RouteConfig
from mipsh.node.control import ControlServer
from mipsh.node.counting import CountingTrace
from mipsh.node.driver import Driver, Port
from mipsh.node.fields import FieldError, shown
from mipsh.node.impaired_port import Impairments
from mipsh.node.listening import FOLDER_MODE
from mipsh.node.log import Log
from mipsh.node.protocol import socket_path
from mipsh.node.readings import role
from mipsh.node.reload import reload
from mipsh.wire import address as addresses

LEAVE_S, LOOKS_EVERY_S = 2.0, 0.01
"""How long the end of a registration may take, and how often it is looked whether it has ended."""
ENDING, READING = (signal.SIGTERM, signal.SIGINT), signal.SIGHUP
KEPT_SUFFIX = ".kept"
SIGNALS_AT_ONCE = 64


class Mipd:
    """A daemon for the node that a file describes; ``variables`` are those of the process.

    ``vt_port`` is where mip6d's clients may ask, in place of what the file says. Raises ConfigError.
    """

    def __init__(self, path: str, log: Log, variables: Mapping[str, str], vt_port: int | None = None) -> None:
        self._path = path
        self._vt_port = vt_port
        self._log = log
        self.config = config_file.load(path)
        refuse_protection(self.config, path)
        control = self.config.control
        self.control_path = socket_path(self.config.name, variables) if control is None else Path(control).absolute()
        self._before: dict[str, Before] = {}
        self._ends_by: float | None = None

    def run(self) -> None:
        """Run until a signal ends it; raises MipshError when it cannot begin."""
        refuse_without_privileges()
        with ExitStack() as stack:
            signals = _signals(stack)
            self._prepare_folder()
            self._take_over(stack)
            self.config = config = self._complete(self.config)
            _understood(config, self._path)
            ports = {link.name: stack.enter_context(PacketSocket(link.name)) for link in config.interfaces}
            tun = None if config.tun is None else stack.enter_context(Tun(config.tun.name, config.tun.mtu))
            privileges.drop(config.user)
            trace = CountingTrace(config.name)
            built = build(config, {name: port.link_layer for name, port in ports.items()}, os.urandom, trace)
            trace.follow(built.node)
            used: dict[str, Port] = {**ports}
            driver = stack.enter_context(Driver(built.node, used, tun))
            impairments = Impairments(used, time.monotonic, driver.call_at)
            control = ControlServer(built.node, driver, self.control_path, impair=impairments.set)
            stack.callback(control.close)
            control.open()
            self._open_terminal(driver, stack)
            driver.add_reader(signals.fileno(), lambda: self._signalled(signals, driver))
            self._serve(driver, built.begin)
        self._log.info("stopped", node=self.config.name)

    def _open_terminal(self, driver: Driver, stack: ExitStack) -> None:
        """Let mip6d's clients ask, where that is wanted."""
        port = self._vt_port or self.config.vt_port
        if port is not None:
            from mipsh.node.vt_front import VtFront

            front = VtFront(driver.node, driver, port)
            stack.callback(front.close)
            front.open()

    def _serve(self, driver: Driver, begin: Begin) -> None:
        """Let the node begin, and run it to its end."""
        driver.listeners.append(self._log.effect)
        driver.start()
        driver.perform(begin(time.monotonic()))
        names = [link.name for link in self.config.interfaces]
        self._log.info(
            "started",
            node=self.config.name,
            role=role(driver.node),
            interfaces=names,
            control=self.control_path,
            pid=os.getpid(),
            version=__version__,
        )
        driver.run()
        if driver.node.is_ending:
            self._log.warning("notDeregistered", detail=f"no acknowledgement within {LEAVE_S:g} s")

    # What is taken over, and given back.

    def _prepare_folder(self) -> None:
        """Make the folder of the node's files; one that is the user's whom the node will run as."""
        folder, user = self.control_path.parent, self.config.user
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            if user is not None and folder.stat().st_uid != privileges.user_id(user):
                _hand_over(folder, user)
        except (FileNotFoundError, NotADirectoryError, FileExistsError):
            raise UsageError(f"cannot make the folder {folder}", "expected a path in a folder that is there") from None
        except OSError as error:
            raise links.explained(error, f"make the folder {folder}") from None

    def _take_over(self, stack: ExitStack) -> None:
        """Take the interfaces from the kernel, and see to it that it gets them back."""
        path = self.control_path.with_suffix(KEPT_SUFFIX)
        names = [link.name for link in self.config.interfaces]
        for name in names:
            if name not in links.names():
                raise links.explained(OSError(errno.ENODEV, os.strerror(errno.ENODEV)), f"take over '{name}'")
        try:
            kept = Kept(path, names)
        except BlockingIOError:
            raise RefusedError(f"the node '{self.config.name}' runs already", f"it has {path}") from None
        except OSError as error:
            raise links.explained(error, f"write {path}") from None
        self._before = kept.before
        stack.callback(self._give_back, kept)
        for name in names:
            links.prepare(name)

    def _give_back(self, kept: Kept) -> None:
        for name, before in self._before.items():
            try:
                kernel_ipv6.give_back(name, before)
            except OSError as error:
                self._log.warning("interfaceNotGivenBack", interface=name, detail=error.strerror)
        kept.forget()

    def _complete(self, config: NodeConfig) -> NodeConfig:
        """Return a configuration with what the interfaces had, where it is adopted, and with their MTUs."""
        mtus = {}
        for link in config.interfaces:
            with suppress(OSError):
                mtus[link.name] = links.mtu(link.name)
        return with_mtus(adopted(config, self._before), mtus)

    # Signals.

    def _signalled(self, signals: socket.socket, driver: Driver) -> None:
        """Do what signals ask for."""
        for number in signals.recv(SIGNALS_AT_ONCE):
            if number == READING:
                self._reload(driver)
            elif self._ends_by is not None:
                driver.stop()
            else:
                self._leave(signal.Signals(number).name, driver)

    def _reload(self, driver: Driver) -> None:
        """Read the file anew; one that is wrong changes nothing."""
        try:
            wanted = config_file.load(self._path)
            refuse_protection(wanted, self._path)
            done = reload(driver.node, self.config, self._complete(wanted), time.monotonic())
        except MipshError as error:
            self._log.error("notReloaded", message=error.message, hint=error.hint)
            return
        self.config = done.config
        driver.perform(done.effects)
        self._log.info("reloaded", applied=done.applied or "nothing", needs_restart=done.needs_restart)

    def _leave(self, name: str, driver: Driver) -> None:
        """Take leave of the others, and end when they know, or after a time."""
        self._log.info("stopping", signal=name)
        now = time.monotonic()
        self._ends_by = now + LEAVE_S
        driver.perform(driver.node.stop(now))
        self._end_when_told(driver)

    def _end_when_told(self, driver: Driver) -> None:
        now = time.monotonic()
        if not driver.node.is_ending or self._ends_by is None or now >= self._ends_by:
            driver.stop()
        else:
            driver.call_at(now + LOOKS_EVERY_S, partial(self._end_when_told, driver))


def refuse_protection(config: NodeConfig, path: str) -> None:
    """Refuse a configuration that requires IPsec, which nobody does here; raises ConfigError."""
    for table in ("home_agent", "mobile_node"):
        part = getattr(config, table)
        if part is not None and part.requires_protection:
            hint = "leave it out, where signalling in the clear is acceptable"
            raise ConfigError(f"{path}: {table}.requires_protection: mipd has no IPsec", hint)


def refuse_without_privileges() -> None:
    """Say at once what is missing; raises RefusedError."""
    needed = {"CAP_NET_ADMIN": privileges.CAP_NET_ADMIN, "CAP_NET_RAW": privileges.CAP_NET_RAW}
    has = privileges.permitted()
    missing = [name for name, bit in needed.items() if not has >> bit & 1]
    if missing:
        raise RefusedError(
            f"mipd needs {' and '.join(missing)}",
            "run it as root, by systemd (contrib/mipd@.service), or in a user namespace: unshare -rn",
        )


def adopted(config: NodeConfig, before: Mapping[str, Before]) -> NodeConfig:
    """Return a configuration in which interfaces have the addresses and routes that they are to adopt."""
    interfaces, routes = [], list(config.routes)
    known = {route.to for route in routes}
    for link in config.interfaces:
        was = before.get(link.name) if link.adopts else None
        if was is None:
            interfaces.append(link)
            continue
        interfaces.append(_with_addresses(link, was))
        for prefix, length, router in was.routes:
            if shown(prefix, length) not in known:
                known.add(shown(prefix, length))
                routes.append(RouteConfig(to=shown(prefix, length), interface=link.name, via=addresses.text(router)))
    return structs.replace(config, interfaces=tuple(interfaces), routes=tuple(routes))


def _with_addresses(link: InterfaceConfig, before: Before) -> InterfaceConfig:
    found = [shown(address, length) for address, length in before.addresses]
    own = tuple(dict.fromkeys((*link.addresses, *found)))
    return structs.replace(link, addresses=own, adopts=False)


def _understood(config: NodeConfig, path: str) -> None:
    """Refuse what cannot be built with what the interfaces have; raises ConfigError."""
    try:
        understand(config)
    except FieldError as error:
        raise ConfigError(f"{path}: {error.message}", error.hint) from None


def _hand_over(folder: Path, user: str) -> None:
    """Give a new folder to the user that the node will run as."""
    if any(folder.iterdir()):
        raise RefusedError(
            f"{folder} holds files of others than the user '{user}'",
            'name a folder of its own for this node: control = "/run/mipsh-NAME/NAME.sock"',
        )
    os.chown(folder, privileges.user_id(user), -1)


def _signals(stack: ExitStack) -> socket.socket:
    """Return a socket that the numbers of signals come out of, for the time of the stack."""
    heard, told = socket.socketpair()
    for end in (heard, told):
        stack.enter_context(end)
        end.setblocking(False)
    previous = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    stack.callback(signal.set_wakeup_fd, previous)
    for number in (*ENDING, READING):
        stack.callback(signal.signal, number, signal.signal(number, _heed))
    return heard


def _heed(number: int, frame: object) -> None:
    """Leave a signal to the loop, which hears its number."""
