"""How commands find a running `host serve`: one announcement for each, with the token that opens its door.

Only this user can read it, so only this user's programs get in. Loaded by every command: json only
where there is a server at all.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from host.errors import NoDevice
from protocol import announce

if TYPE_CHECKING:
    from host.sharing.client import SharedPort

THROUGH = " through host serve"  #: what the name of a shared port ends with

_KIND = "serve"
_TOKEN_BYTES = 32


class Server(NamedTuple):
    """A `host serve` that runs now."""

    pid: int
    tcp_port: int  #: on this machine only
    token: str
    ports: tuple[str, ...]  #: the names that lead to its sled; the first is the one it has open
    unique_id: str

    def leads_to(self, port: str) -> bool:
        """Whether `port` is the sled it serves, also by another name of the same serial port."""
        return port in self.ports or any(
            "://" not in port + own and os.path.realpath(own) == os.path.realpath(port) for own in self.ports
        )


def new_token() -> str:
    """Nobody guesses it."""
    return os.urandom(_TOKEN_BYTES).hex()


def publish(tcp_port: int, token: str, ports: tuple[str, ...], unique_id: str) -> str:
    """Announce this process, replacing what it announced before. Returns the path for `announce.withdraw`.

    Raises OSError if the file cannot be written, or the folder belongs to somebody else.
    """
    content = {"tcp_port": tcp_port, "token": token, "ports": list(ports), "unique_id": unique_id}
    return announce.put(_KIND, content)


def running() -> list[Server]:
    """This user's servers, by process number. Deletes what dead ones left behind."""
    return sorted(announce.living(_KIND, _server))


def open_shared(port: str | None = None, unique_id: str | None = None) -> "SharedPort | None":
    """The way to the sled of that port or id, or to the only one that is served; None where no server has it.

    Raises NoDevice for several servers, LinkError if the server refuses or does not answer.
    """
    served = [
        server
        for server in running()
        if (port is None or server.leads_to(port)) and unique_id in (None, server.unique_id)
    ]
    if len(served) > 1:
        listed = ", ".join(f"{server.ports[0]} (process {server.pid})" for server in served)
        raise NoDevice(
            f"`host serve` runs for several sleds: {listed}; name one",
            f"host --port {served[0].ports[0]} status",
        )
    if not served:
        return None
    from host.sharing.client import join

    return join(served[0])


def own_name(name: str) -> str:
    """The sled's own port in the name of a shared one."""
    return name.removesuffix(THROUGH)


def forget(server: Server) -> None:
    """Delete what a server left behind that is gone although a process has its number."""
    announce.withdraw(announce.path(_KIND, server.pid))


def _server(content: dict[str, Any]) -> Server | None:
    tcp_port, token, ports, unique_id = (
        content[name] for name in ("tcp_port", "token", "ports", "unique_id")
    )
    is_whole = type(tcp_port) is int and isinstance(token, str) and isinstance(unique_id, str)
    if not is_whole or not announce.is_names(ports):
        return None
    return Server(content["pid"], tcp_port, token, tuple(ports), unique_id)
