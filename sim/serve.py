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
from sim.plugged import Plugged, TICK_us
from sim.ports import BLOCK_BYTES, PtyPort, TcpPort

_WAIT_TICKS = 5  # the firmware's main loop comes round as often
_BATCH_TICKS = 100  # between two looks at the link
_BEHIND_s = 0.25  # a machine further behind than this does not catch up any more
_SLOW_NOTICE_s = 10.0
# On a pseudo-terminal nothing came and nothing was taken for so long: nobody is there.
_PTY_IDLE_s = 0.5
_PTY_STUCK_s = 2.0  # with bytes that nobody takes: it may be a client that is merely slow
_PTY_UNREAD_s = 10.0  # with bytes that the firmware has not read, so that there is no answer yet
_LEAVING_s = 2.0  # how long the firmware may take to read what a client wrote before it went
_SPEED_MAX = 1000.0


class Link:
    """Carries bytes between the rig and whichever client has the line.

    `publish` gets the names of the ports whenever they change: none while the cable is out.
    """

    def __init__(
        self,
        rig: Plugged,
        tcp: TcpPort | None,
        pty: PtyPort | None,
        say: Callable[[str], None],
        publish: Callable[[list[str]], None],
    ) -> None:
        self._rig = rig
        self._tcp = tcp
        self._pty = pty
        self._say = say
        self._publish = publish
        self._holder: TcpPort | PtyPort | None = None
        self._unsent = b""
        self._heard_s = 0.0
        self._was_told = False
        self._is_leaving = False  # the holder has gone; its last bytes are not read yet
        self._left_s = 0.0
        self._unplugs = rig.cable.unplugs
        self._is_out = False
        rig.is_connected = False

    def sources(self) -> list[int | socket.socket]:
        """What a wait should end for. Not for a client whose bytes the firmware has yet to read."""
        found: list[int | socket.socket] = []
        is_full = self._rig.out_waiting >= BLOCK_BYTES
        for port in (self._tcp, None if self._is_out else self._pty):
            if port is not None and not (port is self._holder and (is_full or self._is_leaving)):
                found.extend(port.sources())
        return found

    def exchange(self, now_s: float) -> None:
        """Move what can be moved without waiting."""
        cable = self._rig.cable
        if cable.unplugs != self._unplugs:
            self._unplugs = cable.unplugs
            self._pull_out()
        if self._is_out:
            if not cable.is_through:
                if self._tcp is not None:
                    self._turn_away(self._tcp)
                return
            self._plug_in()
        if self._tcp is not None:
            if self._holder is self._tcp:
                self._receive(self._tcp, now_s)
            self._welcome(self._tcp, now_s)
        if self._pty is not None:
            self._listen(self._pty, now_s)
        holder = self._holder
        if holder is not None and not self._is_leaving:
            self._send(holder, now_s)
        if isinstance(holder, PtyPort):
            self._look_for_silence(holder, now_s)

    @property
    def names(self) -> list[str]:
        """Of the ports, the pseudo-terminal first: it is the nearest to a real sled's."""
        return [port.name for port in (self._pty, self._tcp) if port is not None]

    def _pull_out(self) -> None:
        """The sled's end of the cable is out: every client is told as its port can."""
        self._release()
        if self._tcp is not None:
            self._tcp.detach()
        if self._pty is not None:
            self._pty.close()
        if not self._is_out:
            self._is_out = True
            self._say("the cable is unplugged; the sled goes on without a host")
            self._publish([])

    def _plug_in(self) -> None:
        self._is_out = False
        self._say("the cable is plugged in again")
        self._open_pty()
        try:
            self._publish(self.names)
        except OSError as error:
            self._say(f"the ports cannot be announced: {error}")
        for name in self.names:
            self._say(f"port {name}")

    def _open_pty(self) -> None:
        if self._pty is None:
            return
        try:
            self._pty.open()
        except OSError as error:
            if self._tcp is None:
                raise
            self._pty = None
            self._say(f"no pseudo-terminal any more, TCP only: {error.strerror}")

    def _turn_away(self, tcp: TcpPort) -> None:
        while (client := tcp.accept()) is not None:
            client.close()

    def _look_for_silence(self, pty: PtyPort, now_s: float) -> None:
        if self._rig.cable.is_holding_back:
            self._heard_s = now_s
        unread_s = _PTY_UNREAD_s if self._rig.out_waiting else _PTY_IDLE_s
        if now_s - self._heard_s > (_PTY_STUCK_s if self._unsent else unread_s):
            if self._unsent:
                pty.forget()
            self._release()

    def _welcome(self, tcp: TcpPort, now_s: float) -> None:
        while tcp.has_newcomer():
            if self._holder is tcp:
                self._receive(tcp, now_s)  # who came back has closed the old connection first: it has gone
                if self._is_leaving or self._rig.out_waiting >= BLOCK_BYTES:
                    return  # or may have, behind bytes that are not read yet
            client = tcp.accept()
            if client is None:
                return
            if self._holder is None:
                tcp.attach(client)
                self._hold(tcp)
                self._receive(tcp, now_s)
            else:
                client.close()
                self._say(f"{tcp.name}: a second client was turned away; {self._holder.name} has the sled")

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

    def _receive(self, tcp: TcpPort, now_s: float) -> None:
        while not self._is_leaving and self._rig.out_waiting < BLOCK_BYTES:
            data = tcp.read()
            if data is None:
                tcp.detach()
                self._is_leaving = True
                self._left_s = now_s
            elif not data:
                return
            else:
                self._rig.write(data)
        if self._is_leaving:
            self._leave(now_s)

    def _leave(self, now_s: float) -> None:
        """What a client wrote before it went still arrives, as from a serial port that is closed."""
        self._rig.discard_output()  # a device that cannot get rid of its answers may read no more
        if not self._rig.out_waiting or now_s - self._left_s > _LEAVING_s:
            self._release()

    def _send(self, holder: TcpPort | PtyPort, now_s: float) -> None:
        while True:
            if not self._unsent:
                self._unsent = self._rig.read(min(BLOCK_BYTES, self._rig.in_waiting))
                if not self._unsent:
                    return
            taken = holder.write(self._unsent)
            if taken is None:
                self._unsent = b""  # it has gone: the next read finds that out
                return
            if taken:
                self._heard_s = now_s
            self._unsent = self._unsent[taken:]
            if self._unsent:
                return

    def _hold(self, port: TcpPort | PtyPort) -> None:
        self._holder = port
        self._was_told = False
        self._rig.is_connected = True

    def _release(self) -> None:
        """The client has gone, as if it pulled the cable: what was under way is lost, the sled goes on."""
        self._holder = None
        self._is_leaving = False
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
    tcp: tuple[str, int] | None,
    pty: bool,
    speed: float,
    rig: Plugged,
    announce: bool = True,
    stop: Callable[[], bool] | None = None,
    say: Callable[[str], None] = _say,
    until_s: float | None = None,
) -> None:
    """Serve `rig` until Ctrl-C, SIGTERM, `stop` answers True, or `until_s` of the rig's time is reached.

    `say` gets a line for each port and event. Raises ValueError for what cannot be served, OSError for
    a TCP port that is taken.
    """
    if not 0.0 < speed <= _SPEED_MAX:
        raise ValueError(f"speed must be above 0 and at most {_SPEED_MAX:g}, not {speed:g}")
    if pty and os.name != "posix":
        raise ValueError("this system has no pseudo-terminals; serve TCP only")
    if tcp is None and not pty:
        raise ValueError("there is nothing to serve: neither TCP nor a pseudo-terminal was asked for")
    until_ticks = None if until_s is None else _ticks(until_s, rig)
    unique_id = rig.board.unique_id.hex()
    with contextlib.ExitStack() as cleaning:
        tcp_port = TcpPort(*tcp) if tcp is not None else None
        if tcp_port is not None:
            cleaning.callback(tcp_port.close)
        pty_port = PtyPort() if pty else None
        if pty_port is not None:
            cleaning.callback(pty_port.close)

        def publish(ports: list[str]) -> None:
            announced.close()
            if announce and ports:
                announced.callback(announcing.withdraw, announcing.publish(ports, unique_id))

        with _interrupted_by_sigterm(), contextlib.suppress(KeyboardInterrupt):
            announced = cleaning.enter_context(contextlib.ExitStack())
            link = Link(rig, tcp_port, pty_port, say, publish)
            publish(link.names)
            say(f"simulated sled {unique_id}: {rig.about}, speed {speed:g}; Ctrl-C ends it")
            for name in link.names:
                say(f"port {name}")
            _run(rig, link, speed, stop, say, until_ticks)
        say(f"simulated sled {unique_id}: ended after {rig.now_us * 1e-6:.1f} s of its time")


def _ticks(until_s: float, rig: Plugged) -> int:
    """The tick at which to end. Raises ValueError for a time that is none, or over."""
    now_s = rig.now_us * 1e-6
    if not now_s < until_s < float("inf"):
        raise ValueError(
            f"the time to end at must be above {now_s:g} s, where the sled is now, not {until_s:g}"
        )
    return round(until_s * 1e6 / TICK_us)


def _run(
    rig: Plugged,
    link: Link,
    speed: float,
    stop: Callable[[], bool] | None,
    say: Callable[[str], None],
    until_ticks: int | None,
) -> None:
    pace = Pace(speed, time.monotonic())
    noticed_s = float("-inf")
    while stop is None or not stop():
        now_s = time.monotonic()
        if pace.is_behind(now_s) and now_s - noticed_s > _SLOW_NOTICE_s:
            noticed_s = now_s
            say(f"this machine cannot keep up with speed {speed:g}; simulated time falls behind")
        ticks = min(pace.due(now_s), _BATCH_TICKS)
        if until_ticks is not None:
            ticks = min(ticks, until_ticks - rig.ticks)
        if ticks > 0:
            rig.step(ticks)
            pace.did(ticks)
        link.exchange(now_s)
        if until_ticks is not None and rig.ticks >= until_ticks:
            return
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
