"""A board at MicroPython's prompt: what is on it, files put there safely, and the way out. Wraps mpremote.

A file is written beside the one it replaces, its SHA-256 computed on the board, and then renamed: at any
cut the old file or the new one is there, whole.
"""

import binascii
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from host.errors import HostError, LinkError, LinkLost, NoAnswer, Refused
from host.flashing.build import sha256
from host.flashing.plan import Contents
from host.transport import Port

_CHUNK_BYTES = 2048
_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_PATIENCE_s = 10.0
_RETRY_s = 0.3

# Runs on the board. `_f` walks folders down from a path; `_h` is the SHA-256 of a file.
_HELPERS = """
import os, sys, json, hashlib, binascii, machine
_a = binascii.a2b_base64
def _h(path):
    digest = hashlib.sha256()
    part = memoryview(bytearray(1024))
    with open(path, "rb") as file:
        while True:
            n = file.readinto(part)
            if not n:
                return binascii.hexlify(digest.digest()).decode()
            digest.update(part[:n])
def _f(path):
    for row in os.ilistdir(path or "/"):
        if row[1] & 0x4000:
            for name in _f(path + "/" + row[0]):
                yield name
        else:
            yield path + "/" + row[0]
"""
_SURVEY = """
def _s(folders, files, texts):
    i = sys.implementation
    v = os.statvfs("/")
    there = [n for n in os.listdir("/")]
    paths = ["/" + n for n in files if n in there]
    for n in folders:
        if n in there:
            paths += _f("/" + n)
    print(json.dumps({"version": list(i.version[:3]), "machine": getattr(i, "_machine", sys.platform),
        "mpy": getattr(i, "_mpy", 0), "unique_id": binascii.hexlify(machine.unique_id()).decode(),
        "free_bytes": v[0] * v[3]}))
    for p in paths:
        print(_h(p), p)
    for p in texts:
        if p in paths:
            with open(p) as file:
                print(json.dumps([p, file.read()]))
"""
_SETTLE = """
def _c(source, target):
    part = memoryview(bytearray(1024))
    with open(source, "rb") as old, open(target, "wb") as new:
        while True:
            n = old.readinto(part)
            if not n:
                return
            new.write(part[:n])
def _r(rows):
    for path, digest in rows:
        if _h(path + ".new") != digest:
            return print("wrong", path)
        os.rename(path + ".new", path)
        print("right", path)  # not silent for long: a slow board would be given up
"""


class Found(NamedTuple):
    """A board and what lies on it."""

    version: tuple[int, ...]
    machine: str
    mpy: int
    unique_id: str
    free_bytes: int
    contents: Contents


def is_prompt(port: Port, within_s: float = 1.5) -> bool:
    """Whether MicroPython's prompt is there; stops a program that listens to Ctrl-C. Leaves a raw prompt."""
    until = time.monotonic() + within_s
    heard = b""
    next_s = 0.0
    while time.monotonic() < until:
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + _RETRY_s
            port.write(b"\r\x03\x03\r\x01")
        heard = (heard + port.read(port.in_waiting or 1))[-400:]
        if heard.endswith(_BANNER):
            _drain(port)
            return True
    return False


def _drain(port: Port) -> None:
    """Past the banners of further tries."""
    quiet_s = time.monotonic() + _RETRY_s
    while time.monotonic() < quiet_s:
        if port.read(port.in_waiting or 1):
            quiet_s = time.monotonic() + _RETRY_s / 3


class _Transport(SerialTransport):  # type: ignore[misc]
    """mpremote's, over a port that is open already and at a raw prompt."""

    def __init__(self, port: Any, name: str) -> None:
        port.timeout = port.write_timeout = _PATIENCE_s
        self.serial = port
        self.device_name = name
        self.in_raw_repl = self.use_raw_paste = True
        self.mounted = False
        self.is_pty = True  # reads wait for bytes, instead of looking every 10 ms
        self._has_prompt = True

    def read_until(self, min_num_bytes: int, ending: bytes, *args: Any, **options: Any) -> bytes:
        if ending == b">" and self._has_prompt:  # `is_prompt` has read the first one
            self._has_prompt = False
            return ending
        found: bytes = super().read_until(min_num_bytes, ending, *args, **options)
        return found


class Board:
    """At the prompt of an open port, for which `is_prompt` was true. Methods raise HostError."""

    def __init__(self, port: Port, name: str) -> None:
        self.name = name
        self._transport = _Transport(port, name)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.serial.close()

    def survey(self, folders: Iterable[str], files: Iterable[str], texts: Iterable[str]) -> Found:
        """What the board is, the SHA-256 of these files and of all in these folders, and some contents.

        To be called first: it brings the board what the other methods need.
        """
        self._run(_HELPERS + _SURVEY + _SETTLE)
        printed = self._run(f"_s({list(folders)!r}, {list(files)!r}, {['/' + text for text in texts]!r})")
        head, *rows = printed.decode().splitlines()
        fields = json.loads(head)
        contents = dict(json.loads(row) for row in rows if row.startswith("["))
        hashes = [row.split(" ", 1) for row in rows if not row.startswith("[")]
        return Found(
            tuple(fields["version"]),
            fields["machine"],
            fields["mpy"],
            fields["unique_id"],
            fields["free_bytes"],
            Contents(
                {path.lstrip("/"): digest for digest, path in hashes},
                {path.lstrip("/"): text for path, text in contents.items()},
            ),
        )

    def make_folders(self, paths: Iterable[str]) -> None:
        """Each folder that `paths` lie in, from the top, unless it is there."""
        folders: set[str] = set()
        for path in paths:
            parts = path.split("/")[:-1]
            folders |= {"/".join(parts[: n + 1]) for n in range(len(parts))}
        for folder in sorted(folders):
            self._run(f"try:\n os.mkdir('/{folder}')\nexcept OSError as e:\n if e.errno != 17: raise")

    def write(self, path: str, content: bytes, wrote: Callable[[int], None]) -> None:
        """Put the content beside `path`, as `path`.new; `settle` makes it count."""
        opening = f"_o = open('/{path}.new', 'wb')\n_w = _o.write\n"
        chunks = [content[at : at + _CHUNK_BYTES] for at in range(0, len(content), _CHUNK_BYTES)] or [b""]
        for number, chunk in enumerate(chunks):
            text = binascii.b2a_base64(chunk, newline=False).decode()
            closing = "\n_o.close()" if number == len(chunks) - 1 else ""
            self._run(f"{'' if number else opening}_w(_a('{text}')){closing}")
            wrote(len(chunk))

    def copy(self, path: str, source: str) -> None:
        """Put what lies at `source` beside `path`; `settle` makes it count."""
        self._run(f"_c('/{source}', '/{path}.new')")

    def settle(self, files: Mapping[str, bytes]) -> None:
        """Rename what `write` has put there, in this order, each after its SHA-256 was found right.

        The first that is wrong ends it.
        """
        rows = [("/" + path, sha256(content)) for path, content in files.items()]
        last, path = self._run(f"_r({rows!r})").decode().splitlines()[-1].split(" ", 1)
        if last == "wrong":
            raise LinkError(
                f"the flash of {self.name} gives back other bytes than were written to {path}; "
                "what ran before is untouched",
                "host flash again; if it stays so, the board is worn out",
            )

    def remove(self, paths: Iterable[str]) -> None:
        """Files, and folders that are empty without them."""
        paths = list(paths)
        folders = sorted({path.rpartition("/")[0] for path in paths} - {"", "a", "b", "a/sled", "b/sled"})
        if paths:
            self._run(f"for _p in {['/' + path for path in paths]!r}: os.remove(_p)")
        for folder in folders:
            self._run(f"if not os.listdir('/{folder}'): os.rmdir('/{folder}')")

    def reset(self) -> None:
        """Start the board anew; nothing can be said to it over this port afterwards."""
        with contextlib.suppress(TransportError, OSError):  # it may be faster than its answer
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")

    def _run(self, code: str) -> bytes:
        try:
            printed: bytes = self._transport.exec(code)
            return printed
        except TransportExecError as error:
            raise self._explained(str(error.error_output)) from None
        except TransportError as error:
            raise NoAnswer(
                f"{self.name} stopped answering at its prompt ({error})",
                "unplug it, plug it in, then: host flash",
            ) from None
        except OSError as error:
            raise LinkLost(
                f"the link to {self.name} broke ({error}); the board starts what it had before",
                "plug it in, then: host flash",
            ) from None

    def _explained(self, traceback: str) -> HostError:
        last = traceback.strip().splitlines()[-1] if traceback.strip() else "no reason"
        if "OSError: 28" in last or "ENOSPC" in last:
            return Refused(
                f"the flash of {self.name} is full", "remove files of your own from it, then: host flash"
            )
        if "MemoryError" in last:
            return Refused(
                f"{self.name} has no memory left at its prompt", "unplug it, plug it in, then: host flash"
            )
        return LinkError(f"{self.name} failed at its prompt: {last}", "host recover")
