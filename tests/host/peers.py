"""Far ends of a pseudo-terminal: silent, noisy, chatty, or a device built from the wire's own codec."""

import os
import select
import threading
from collections.abc import Callable
from typing import Any

from protocol import layout, wire

HELLO_FIELDS: dict[str, Any] = {
    "protocol_major": layout.PROTOCOL_MAJOR,
    "protocol_minor": layout.PROTOCOL_MINOR,
    "layout_hash": layout.LAYOUT_HASH,
    "firmware_major": 9,
    "firmware_minor": 8,
    "firmware_patch": 7,
    "device_flags": 0,
    "unique_id": bytes(range(8)),
    "boot_id": 77,
    "reset_cause": 1,
    "sample_period_us": 1000,
    "sample_count": 3008,
    "force_mN": 800_000,
    "mass_g": 30_000,
    "build_id": 0x1A2B3C4D,
}


class Peer:
    """A pty whose far end, `name`, is for the host, while a thread answers at this end.

    `answer` gets the bytes that came and gives those to send; `chatter` is sent over and over.
    """

    def __init__(self, answer: Callable[[bytes], bytes] = lambda data: b"", chatter: bytes = b"") -> None:
        import tty  # there is none on Windows, where these tests are skipped

        self._answer = answer
        self._chatter = chatter
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.name = os.ttyname(self._far)
        self.received = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._near)
        os.close(self._far)

    def _run(self) -> None:
        while not self._ended.is_set():
            if select.select([self._near], [], [], 0.002)[0]:
                data = os.read(self._near, 4096)
                self.received += data
                self._send(self._answer(data))
            self._send(self._chatter)

    def _send(self, data: bytes) -> None:
        try:
            if data:
                os.write(self._near, data)
        except BlockingIOError:  # nobody reads: the line is full
            pass


class FakeDevice:
    """Answers HELLO with the fields given and STOP with a REPLY; keeps the names of all it was told."""

    def __init__(self, **hello_fields: Any) -> None:
        self.heard: list[str] = []
        self._hello = HELLO_FIELDS | hello_fields
        self._reader = wire.FrameReader()

    def answer(self, data: bytes) -> bytes:
        """Frames to send for the bytes that came."""
        out = b""
        for frame in self._reader.feed(data):
            message = wire.decode(frame)
            self.heard.append(message.name)
            if message.name == "HELLO":
                out += wire.encode("HELLO_REPLY", self._hello)
            elif message.name == "STOP":
                fields = {"command_id": message.fields["command_id"], "result": 0, "mode": 0}
                out += wire.encode("REPLY", {**fields, "setting_value": 0})
        return out


class Deaf:
    """A port to nobody, where a writer is stuck until `release`; keeps what was written."""

    in_waiting = 0

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.discarded = 0
        self.stuck = threading.Event()
        self.release = threading.Event()

    def read(self, size: int = 1) -> bytes:
        return b""

    def write(self, data: bytes) -> int:
        self.written.append(data)
        if not self.stuck.is_set():
            self.stuck.set()
            self.release.wait(20)
        return len(data)

    def reset_output_buffer(self) -> None:
        self.discarded = len(self.written)

    def close(self) -> None:
        pass
