"""From a board that was found to one that runs this host's firmware, proved by what it answers to HELLO."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from host.errors import LinkError, NoAnswer, Refused, VersionMismatch
from host.flashing import build, finding
from host.flashing.board import Board, Found, is_prompt
from host.flashing.drives import refuse_other_chip
from host.flashing.plan import SLOT_FILE, SLOTS, Plan, plan
from host.flashing.proving import proved
from host.session import Device, Session
from host.transport import open_port
from protocol import compat

_OLDEST = (1, 22)
_PROMPT_s = 20.0  # from ENTER_REPL on
_ROOT_FILES = (*build.START_FILES, SLOT_FILE, *(f"{name}.new" for name in (*build.START_FILES, SLOT_FILE)))
_TEXTS = (SLOT_FILE, *(f"{slot}/{build.MANIFEST}" for slot in SLOTS))


class Show(Protocol):
    """How people see what goes on."""

    def step(self, line: str) -> None:
        """The next step begins."""

    def begin(self, size_bytes: int) -> None:
        """So much is going to be copied."""

    def copying(self, path: str, size_bytes: int) -> None:
        """So much more of a file has been copied."""

    def done(self) -> None:
        """All is copied, or it broke off."""


class Outcome(NamedTuple):
    """What was done to a board."""

    port: str
    found: Found | None  #: None where the firmware itself told that it is the one
    made: build.Build | None
    steps: Plan | None
    device: Device | None  #: what answered in the end; None for a dry run at the prompt

    @property
    def was_unchanged(self) -> bool:
        """Whether the board had it all already."""
        return self.steps is None or self.steps.is_empty


def install(port: str, folder: Path, show: Show, patience_s: float, is_dry_run: bool = False) -> Outcome:
    """Bring the firmware of `folder` onto the board at `port`, which runs firmware or is at the prompt.

    Raises Refused while the sled is armed, for another chip or an old MicroPython; VersionMismatch if
    something else than this firmware runs in the end; LinkError and NoAnswer when the board goes away.
    """
    seen = finding.examine(port)
    if seen.state not in (finding.FIRMWARE, finding.PROMPT):
        raise seen.problem or NoAnswer(f"nothing answers at {port}", "host recover")
    if seen.device is not None:
        show.step(f"{port}: {_device_words(seen.device)}")
        if seen.device.build_id in build.build_ids(folder):
            device, build_id = seen.device, seen.device.build_id
            if device.is_on_trial and not is_dry_run:
                device = proved(port, device.unique_id, build_id, patience_s)
            return Outcome(port, None, None, None, device)
        _leave_firmware(port, seen.device)
    with _board(port) as board:
        try:
            found = board.survey((*SLOTS, "sled"), _ROOT_FILES, _TEXTS)
            _check(found)
            made = build.build_for(found.mpy, folder)
            steps = plan(made, found.contents)
            _check_room(port, found, steps)
            show.step(f"{port}: {found.machine}, MicroPython {version_words(found)}")
            if not is_dry_run:
                _carry_out(board, steps, show)
        except BaseException:
            with contextlib.suppress(BaseException):
                board.reset()  # what is good there starts again
            raise
        if not is_dry_run or seen.device is not None:
            board.reset()
    if is_dry_run:
        return Outcome(port, found, made, steps, seen.device)
    show.step("starting it")
    device = proved(port, found.unique_id, made.build_id, patience_s)
    return Outcome(port, found, made, steps, device)


def version_words(found: Found) -> str:
    """`1.22.0`."""
    return ".".join(map(str, found.version))


def _device_words(device: Device) -> str:
    known = "" if device.build_id is None else f", build {device.build_id:08x} in slot {device.slot}"
    return f"sled {device.unique_id}, firmware {device.firmware}{known}"


def _leave_firmware(port: str, device: Device) -> None:
    """From the firmware to the prompt. Raises Refused while armed."""
    if device.compatibility.verdict == compat.OTHER_MAJOR:
        raise VersionMismatch(
            f"{port}: {device.compatibility.sentence}: it cannot be asked for MicroPython's prompt",
            f"host --port {port} recover",
        )
    with Session(open_port(port), port) as session:
        session.hello(any_version=True)
        try:
            session.request("ENTER_REPL")
        except NoAnswer:
            pass  # a slow board; whether it gives the prompt is seen next
        except Refused as error:
            raise Refused(
                f"the sled is armed or still releasing its load ({error.sentence}); it is not flashed so",
                "host stop",
                error.result,
            ) from None


@contextlib.contextmanager
def _board(port: str) -> Iterator[Board]:
    """The board at its prompt, which a firmware that was left takes a moment to give."""
    opened = open_port(port)
    try:
        found = is_prompt(opened, _PROMPT_s)
    except OSError as error:
        opened.close()
        raise LinkError(f"the link to {port} broke: {error}", "host flash") from None
    if not found:
        opened.close()
        raise NoAnswer(f"{port} does not give MicroPython's prompt", f"host --port {port} recover")
    with Board(opened, port) as board:
        yield board


def _check(found: Found) -> None:
    if "RP2040" not in found.machine:
        name = next((word for word in found.machine.split() if word.startswith("RP2")), found.machine)
        refuse_other_chip(name)
    if found.version < _OLDEST:
        raise Refused(
            f"the board has MicroPython {version_words(found)}; the firmware needs 1.22 or later",
            "hold BOOTSEL while plugging it in, then: host flash --micropython RPI_PICO-...uf2",
        )


def _check_room(port: str, found: Found, steps: Plan) -> None:
    if steps.needed_bytes > found.free_bytes:
        raise Refused(
            f"the flash of {port} has {found.free_bytes // 1024} KiB free, "
            f"and {steps.needed_bytes // 1024} KiB are needed",
            "remove files of your own from it, then: host flash",
        )


def _carry_out(board: Board, steps: Plan, show: Show) -> None:
    """The order is what makes a cut harmless: plan.py."""
    if steps.is_empty:
        return
    show.begin(steps.sent_bytes)
    try:
        board.remove(steps.removed_first)
        board.make_folders(steps.firmware)
        # The files of the slot are checked and renamed together, the MANIFEST last.
        for files in (steps.firmware, *({path: content} for path, content in steps.start.items())):
            for path, content in files.items():
                if path in steps.copies:
                    board.copy(path, steps.copies[path])
                else:
                    board.write(path, content, partial(show.copying, path))
            if files:
                board.settle(files)
        board.remove(steps.removed_last)
    finally:
        show.done()
