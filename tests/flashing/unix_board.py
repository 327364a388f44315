"""A Pico on the bench: unix MicroPython on a pty, a real littlefs in a file, resets, and power cuts.

`unix_pico.py` is what runs in it. The port stays where it is when the chip resets, and hangs up when
the power goes; with `hangs_up` a reset hangs up too, as USB does. Needs POSIX and `micropython`.
"""

import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path

from tests.runtimes import stage

HERE = Path(__file__).parent
BLOCK_BYTES = 4096
_COUNTER = struct.Struct("<II")  # block operations so far, and the one in which the power goes
_NEVER = 0xFFFFFFFF
_POWER_ON, _WATCHDOG = 1, 3
_BACKLOG_BYTES = 65_536

#: What a Pico with MicroPython 1.22 says of itself.
PICO = {
    "version": [1, 22, 0],
    "machine": "Raspberry Pi Pico with RP2040",
    "mpy": 4 << 10 | 2 << 8 | 6,
}


def sources(folder: Path, rescue_ms: int | None = 20) -> Path:
    """The firmware of `device/` for the bench: no viper, its own board file, a short rescue window."""
    target = folder / "firmware"
    package = target / "sled"
    package.mkdir(parents=True)
    for module in sorted(stage.FIRMWARE.glob("*.py")):
        if module.name not in stage.NOT_STAGED:
            text = stage.without_viper(module.read_text(encoding="utf-8"))
            (package / module.name).write_text(text, encoding="utf-8")
    shutil.copyfile(HERE / "unix_sled_board.py", package / "board_rp2040.py")
    for name in ("boot.py", "main.py"):
        lines = (stage.FIRMWARE.parent / name).read_text(encoding="utf-8").splitlines()
        if rescue_ms is not None:
            lines = [f"RESCUE_ms = {rescue_ms}" if line.startswith("RESCUE_ms") else line for line in lines]
        (target / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


class UnixBoard:
    """One board. `port` is for a host; `events` is what happened: boot, prompt, reset, watchdog, cut."""

    def __init__(
        self,
        folder: Path,
        *,
        blocks: int = 352,
        hangs_up: bool = False,
        keeps_journal: bool = False,
        **chip: object,
    ) -> None:
        self.folder = folder
        self.port = str(folder / "port")
        self.events: list[str] = []
        self._hangs_up = hangs_up
        self._config = {**PICO, "unique_id": list(b"benchrp2"), **chip}
        self._config |= {"blocks": blocks, "journal": keeps_journal, "reset_cause": _POWER_ON}
        folder.mkdir(parents=True, exist_ok=True)
        if not self.flash.exists():
            self.flash.write_bytes(b"\xff" * blocks * BLOCK_BYTES)
        (folder / "counter").write_bytes(_COUNTER.pack(0, _NEVER))
        (folder / "journal").write_bytes(b"")
        (folder / "button").write_bytes(b"0")
        with contextlib.suppress(FileExistsError):
            os.mkfifo(folder / "events")
        self._event_fd = os.open(folder / "events", os.O_RDWR | os.O_NONBLOCK)
        self._wake, self._wake_end = os.pipe()
        self._outer: tuple[int, int] | None = None  # ends of the pty that the host opens: ours, theirs
        self._inner: int | None = None  # our end of the chip's terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._changes = 0  # of the two ptys, whose numbers may come again
        self._deadline_s: float | None = None  # of the watchdog
        self._watchdog_s = 0.0
        self._lock = threading.RLock()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def flash(self) -> Path:
        """Contents of the flash, as they are at this moment."""
        return self.folder / "flash"

    def __enter__(self) -> "UnixBoard":
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.power_off()
        self._is_over = True
        os.write(self._wake_end, b".")
        self._thread.join()
        for fd in (self._event_fd, self._wake, self._wake_end):
            os.close(fd)

    def power_on(self) -> None:
        """As plugging it in."""
        with self._lock:
            (self.folder / "scratch").write_bytes(bytes(32))
            self._connect()
            self._start(_POWER_ON)

    def power_off(self) -> None:
        """As unplugging it."""
        with self._lock:
            self._kill()
            self._hang_up()

    def hold_button(self, is_held: bool) -> None:
        """BOOTSEL, while the chip runs."""
        (self.folder / "button").write_bytes(b"1" if is_held else b"0")

    def cut_power_at(self, operation: int | None) -> None:
        """The power goes in the middle of the n-th block operation from now; None: never."""
        with self._lock:
            at = _NEVER if operation is None else self.block_operations + operation
            with (self.folder / "counter").open("r+b") as file:
                file.seek(4)
                file.write(struct.pack("<I", at))

    @property
    def block_operations(self) -> int:
        """How many blocks were programmed or erased so far."""
        return int(_COUNTER.unpack((self.folder / "counter").read_bytes())[0])

    def wait_for(self, event: str, within_s: float = 20, after: int = 0) -> None:
        """Until `event` is among the events after the first `after`. Raises AssertionError."""
        until = time.monotonic() + within_s
        while event not in self.events[after:]:
            assert time.monotonic() < until, f"no {event!r} within {within_s} s; seen {self.events}"
            time.sleep(0.005)

    def read_files(self) -> dict[str, bytes]:
        """Every file on the flash, by path without the leading slash."""
        return read_files(self.flash.read_bytes())

    def write_files(self, files: dict[str, bytes]) -> None:
        """Put files on the flash, folders as needed; the power is off. An empty flash is formatted."""
        assert self._process is None, "the power is on"
        self.flash.write_bytes(with_files(self.flash.read_bytes(), files))

    def _connect(self) -> None:
        if self._outer is None:
            ours, theirs = pty.openpty()
            tty.setraw(theirs)
            os.set_blocking(ours, False)
            self._outer = ours, theirs
            link = Path(self.port + ".new")
            link.unlink(missing_ok=True)
            link.symlink_to(os.ttyname(theirs))
            link.replace(self.port)

    def _hang_up(self) -> None:
        if self._outer is not None:
            self._changes += 1
            Path(self.port).unlink(missing_ok=True)
            for fd in self._outer:
                os.close(fd)
            self._outer = None

    def _start(self, cause: int) -> None:
        assert self._process is None
        self._config["reset_cause"] = cause
        (self.folder / "config.json").write_text(json.dumps(self._config), encoding="utf-8")
        self._inner, slave = pty.openpty()
        self._changes += 1
        os.set_blocking(self._inner, False)
        tty.setraw(slave)
        state = termios.tcgetattr(slave)
        state[3] |= termios.ISIG
        for key in (termios.VQUIT, termios.VSUSP):
            state[6][key] = b"\0"
        termios.tcsetattr(slave, termios.TCSANOW, state)

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        command = [str(stage.unix_micropython()), "-i", "-X", "heapsize=8m"]
        self._process = subprocess.Popen(
            [*command, str(HERE / "unix_pico.py"), str(self.folder)],
            stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal,
        )  # fmt: skip
        os.close(slave)
        os.write(self._wake_end, b".")

    def _kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._told()  # nothing that it said counts any more
        if self._inner is not None:
            self._changes += 1
            os.close(self._inner)
            self._inner = None
        self._deadline_s = None

    def _reset(self, cause: int) -> None:
        self._kill()
        if self._hangs_up:
            self._hang_up()
            time.sleep(0.05)
        self._connect()
        self._start(cause)

    def _run(self) -> None:
        """Carry bytes between host and chip, and do what the chip cannot do to itself."""
        to_host = to_chip = b""
        while not self._is_over:
            with self._lock:
                outer, inner, changes = self._outer, self._inner, self._changes
            readers = [self._event_fd, self._wake]
            writers = []
            if outer is not None and inner is not None:
                readers += [outer[0]] if len(to_chip) < _BACKLOG_BYTES else []
                readers += [inner] if len(to_host) < _BACKLOG_BYTES else []
                writers = ([outer[0]] if to_host else []) + ([inner] if to_chip else [])
            else:
                to_host = to_chip = b""
            try:
                ready, ready_out, _ = select.select(readers, writers, [], 0.05)
            except (OSError, ValueError):  # an end was closed meanwhile
                continue
            if self._wake in ready:
                os.read(self._wake, 100)
            with self._lock:
                if self._event_fd in ready:
                    if inner is not None and self._inner == inner and select.select([inner], [], [], 0)[0]:
                        with contextlib.suppress(OSError):  # said before the chip ended
                            to_host += os.read(inner, 4096)
                        ready = [fd for fd in ready if fd != inner]
                    for word in self._told():
                        if changes == self._changes:  # else it has ended, whatever it said after
                            self._note(word)
                if changes != self._changes:
                    to_chip = b""
                    to_host = to_host if outer is self._outer else b""
                    continue
                with contextlib.suppress(OSError):
                    if outer is not None and outer[0] in ready:
                        to_chip += os.read(outer[0], 4096)
                with contextlib.suppress(OSError):
                    if inner in ready:
                        to_host += os.read(inner, 4096)  # type: ignore[arg-type]
                with contextlib.suppress(OSError):
                    if outer is not None and outer[0] in ready_out:
                        to_host = to_host[os.write(outer[0], to_host) :]
                with contextlib.suppress(OSError):
                    if inner in ready_out:
                        to_chip = to_chip[os.write(inner, to_chip[:256]) :]  # type: ignore[arg-type]
                self._watch()

    def _told(self) -> list[str]:
        """What the chip has said since it was asked last."""
        try:
            return os.read(self._event_fd, 4096).decode().split()
        except BlockingIOError:
            return []

    def _note(self, word: str) -> None:
        if self._process is None:
            return
        if word == "fed":
            self._deadline_s = time.monotonic() + self._watchdog_s
            return
        if word == "watchdog":
            return
        if word.isdigit():
            self._watchdog_s = int(word) / 1000
            self._deadline_s = time.monotonic() + self._watchdog_s if int(word) else None
            return
        self.events.append(word)
        if word == "reset":
            self._reset(_POWER_ON)
        elif word == "cut":
            self.cut_power_at(None)
            self._kill()
            self._hang_up()

    def _watch(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is not None:
            self.events.append("soft reset")
            self._reset(_POWER_ON)
        elif self._deadline_s is not None and time.monotonic() > self._deadline_s:
            self.events.append("watchdog")
            self._reset(_WATCHDOG)


def _mounted(image: bytes, is_empty: bool):  # type: ignore[no-untyped-def]
    from littlefs import LittleFS, UserContext

    context = UserContext(buffsize=len(image))
    context.buffer[:] = image
    disk = LittleFS(
        context=context,
        block_size=BLOCK_BYTES,
        block_count=len(image) // BLOCK_BYTES,
        prog_size=256,
        mount=False,  # which would format what it cannot read
    )
    if is_empty:
        disk.format()
    disk.mount()
    return disk, context


def read_files(image: bytes) -> dict[str, bytes]:
    """Every file of a littlefs image, by path without the leading slash."""
    disk, _ = _mounted(image, False)
    found = {}
    for folder, _, names in disk.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with disk.open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found


def with_files(image: bytes, files: dict[str, bytes]) -> bytes:
    """The image with more files on it; one that is all 0xFF is formatted first."""
    disk, context = _mounted(image, not image.strip(b"\xff"))
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        if folder:
            disk.makedirs(folder, exist_ok=True)
        with disk.open(name, "wb") as file:
            file.write(content)
    disk.unmount()
    return bytes(context.buffer)
