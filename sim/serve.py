"""Serves one simulated sled to other programs: TCP on this machine, and a pseudo-terminal on POSIX.

Paced by the wall clock times `speed`. The link behaves as a USB cable: one client at a time, a client
that goes is an unplug and not a reset, and the sled goes on whether anybody reads or not.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

from protocol import announce as announcing
from sim.ports import BLOCK_BYTES, PtyPort, TcpPort
from sim.rig import Rig, RigConfig

_WAIT_TICKS = 5  # the firmware's main loop comes round as often
_BATCH_TICKS = 100  # between two looks at the link
_BEHIND_s = 0.25  # a machine further behind than this does not catch up any more
_SLOW_NOTICE_s = 10.0
# On a pseudo-terminal nothing came and nothing was taken for so long: nobody is there.
_PTY_IDLE_s = 0.5
_PTY_STUCK_s = 2.0  # with bytes that nobody takes: it may be a client that is merely slow
_SPEED_MAX = 1000.0


class Link:
    """Carries bytes between the rig and whichever client has the line."""

    def __init__(
        self, rig: Rig, tcp: TcpPort | None, pty: PtyPort | None, say: Callable[[str], None]
    ) -> None:
        self._rig = rig
        self._tcp = tcp
        self._pty = pty
        self._say = say
        self._holder: TcpPort | PtyPort | None = None
        self._unsent = b""
        self._heard_s = 0.0
        self._was_told = False
        rig.is_connected = False

    def sources(self) -> list[int | socket.socket]:
        """What a wait should end for. Not for a client whose bytes the firmware has yet to read."""
        found: list[int | socket.socket] = []
        is_full = self._rig.out_waiting >= BLOCK_BYTES
        for port in (self._tcp, self._pty):
            if port is not None and not (is_full and port is self._holder):
                found.extend(port.sources())
        return found

    def exchange(self, now_s: float) -> None:
        """Move what can be moved without waiting."""
        if self._tcp is not None:
            self._welcome(self._tcp)
        if self._pty is not None:
            self._listen(self._pty, now_s)
        holder = self._holder
        if isinstance(holder, TcpPort):
            self._receive(holder)
        if self._holder is not None:
            self._send(self._holder, now_s)
        silent_s = now_s - self._heard_s
        if isinstance(holder, PtyPort) and silent_s > (_PTY_STUCK_s if self._unsent else _PTY_IDLE_s):
            if self._unsent:
                holder.forget()
            self._release()

    def _welcome(self, tcp: TcpPort) -> None:
        client = tcp.accept()
        if client is None:
            return
        if self._holder is not None:
            client.close()
            self._say(f"{tcp.name}: a second client was turned away; {self._holder.name} has the sled")
            return
        tcp.attach(client)
        self._hold(tcp)

    def _listen(self, pty: PtyPort, now_s: float) -> None:
        if self._holder is pty and self._rig.out_waiting >= BLOCK_BYTES:
            return
        data = pty.read()
        if not data:
            return
        if self._tcp is not None and self._holder is self._tcp:
            if not self._was_told:
                self._was_told = True
                self._say(f"{pty.name}: bytes are dropped; {self._tcp.name} has the sled")
            return
        if self._holder is None:
            self._hold(pty)
        self._heard_s = now_s
        self._rig.write(data)

    def _receive(self, tcp: TcpPort) -> None:
        if self._rig.out_waiting >= BLOCK_BYTES:
            return
        data = tcp.read()
        if data is None:
            tcp.detach()
            self._release()
        else:
            self._rig.write(data)

    def _send(self, holder: TcpPort | PtyPort, now_s: float) -> None:
        data = self._unsent or self._rig.read(BLOCK_BYTES)
        if not data:
            return
        taken = holder.write(data)
        if taken is None:
            if isinstance(holder, TcpPort):
                holder.detach()
            self._release()
            return
        if taken:
            self._heard_s = now_s
        self._unsent = data[taken:]

    def _hold(self, port: TcpPort | PtyPort) -> None:
        self._holder = port
        self._was_told = False
        self._rig.is_connected = True

    def _release(self) -> None:
        """The cable is out: what was under way is lost, the sled goes on."""
        self._holder = None
        self._unsent = b""
        self._rig.is_connected = False


class Pace:
    """Ticks due at a wall-clock time: always counted from one anchor, so that nothing drifts."""

    def __init__(self, speed: float, now_s: float) -> None:
        self._ticks_per_s = 1000.0 * speed
        self._anchor_s = now_s
        self._done = 0

    def due(self, now_s: float) -> int:
        """Ticks to do now."""
        return int((now_s - self._anchor_s) * self._ticks_per_s) - self._done

    def did(self, ticks: int) -> None:
        """So many have been done."""
        self._done += ticks

    def is_behind(self, now_s: float) -> bool:
        """Whether the machine cannot keep up; the time lost is then given up, once for each answer."""
        if self.due(now_s) <= _BEHIND_s * self._ticks_per_s:
            return False
        self._anchor_s = now_s
        self._done = 0
        return True

    def wait_s(self, now_s: float, ticks: int) -> float:
        """Time until `ticks` are due."""
        return max(0.0, self._anchor_s + (self._done + ticks) / self._ticks_per_s - now_s)


def _say(text: str) -> None:
    print(text, flush=True)


def serve(
    tcp: tuple[str, int] | None = ("127.0.0.1", 5333),
    pty: bool = os.name == "posix",
    speed: float = 1.0,
    config: RigConfig = RigConfig(),  # noqa: B008 - immutable
    announce: bool = True,
    stop: Callable[[], bool] | None = None,
    say: Callable[[str], None] = _say,
) -> None:
    """Serve until Ctrl-C, SIGTERM, or `stop` answers True.

    `say` gets a line for each port and event. Raises ValueError for what cannot be simulated or
    served, OSError for a TCP port that is taken.
    """
    if not 0.0 < speed <= _SPEED_MAX:
        raise ValueError(f"speed must be above 0 and at most {_SPEED_MAX:g}, not {speed:g}")
    if pty and os.name != "posix":
        raise ValueError("this system has no pseudo-terminals; serve TCP only")
    if tcp is None and not pty:
        raise ValueError("there is nothing to serve: neither TCP nor a pseudo-terminal was asked for")
    rig = Rig(config)
    with contextlib.ExitStack() as cleaning:
        tcp_port = TcpPort(*tcp) if tcp is not None else None
        if tcp_port is not None:
            cleaning.callback(tcp_port.close)
        pty_port = PtyPort() if pty else None
        if pty_port is not None:
            cleaning.callback(pty_port.close)
        # The pseudo-terminal first: it is the nearest to a real sled's port.
        ports = [port.name for port in (pty_port, tcp_port) if port is not None]
        unique_id = rig.board.unique_id.hex()
        with _interrupted_by_sigterm(), contextlib.suppress(KeyboardInterrupt):
            if announce:
                cleaning.callback(announcing.withdraw, announcing.publish(ports, unique_id))
            who = f"athlete {config.athlete}" if config.athlete else "nobody at the hitch"
            say(f"simulated sled {unique_id}: seed {config.seed}, {who}, speed {speed:g}; Ctrl-C ends it")
            for name in ports:
                say(f"port {name}")
            _run(rig, Link(rig, tcp_port, pty_port, say), speed, stop, say)
        say(f"simulated sled {unique_id}: ended after {rig.now_us * 1e-6:.1f} s of its time")


def _run(
    rig: Rig, link: Link, speed: float, stop: Callable[[], bool] | None, say: Callable[[str], None]
) -> None:
    pace = Pace(speed, time.monotonic())
    noticed_s = float("-inf")
    while stop is None or not stop():
        now_s = time.monotonic()
        if pace.is_behind(now_s) and now_s - noticed_s > _SLOW_NOTICE_s:
            noticed_s = now_s
            say(f"this machine cannot keep up with speed {speed:g}; simulated time falls behind")
        ticks = min(pace.due(now_s), _BATCH_TICKS)
        if ticks > 0:
            rig.step(ticks)
            pace.did(ticks)
        link.exchange(now_s)
        # Bytes for the firmware are read at the next tick, else its main loop can wait a little.
        wait_s = pace.wait_s(time.monotonic(), 1 if rig.out_waiting else _WAIT_TICKS)
        sources = link.sources()
        if os.name == "posix" or sources:
            select.select(sources, [], [], wait_s)
        else:
            time.sleep(wait_s)


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Make a polite kill end the server as Ctrl-C does. Only the main thread may take signals."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
