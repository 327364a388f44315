"""On unix MicroPython: a Pico from power-on to the prompt, with a real littlefs and stand-ins for its chip.

As the rp2 port does it: mount (or make) the file system, run boot.py, then main.py, then the prompt, all in
one set of names. Argument: a folder with `flash` and `counter`, and `events`, a pipe to the harness
(`unix_board.py`), which ends this process and starts the next one; nothing here comes back from a reset.
"""

# ruff: noqa: SIM115, UP031 - the files stay open; a Pico has no f-strings of that kind
import json
import os
import sys
import termios
import time

import micropython
import vfs

_BLOCK_BYTES = 4096
_ISIG = 1
_OP_PROGRAM = 1
_OP_ERASE = 2
_SCRATCH_0 = 0x4005800C

folder = sys.argv[1]
with open(folder + "/config.json") as file:
    config = json.load(file)
flash = open(folder + "/flash", "r+b")
counter = open(folder + "/counter", "r+b")
journal = open(folder + "/journal", "ab") if config["journal"] else None
events = open(folder + "/events", "wb")
scratch_file = open(folder + "/scratch", "r+b")
button_file = open(folder + "/button", "rb")


def tell(event):
    events.write(event + "\n")


def end(event):
    """The harness takes it from here: nothing of this process goes on."""
    tell(event)
    while True:
        try:  # noqa: SIM105 - there is no contextlib
            time.sleep(1)
        except BaseException:
            pass


class BlockDevice:
    """The Pico's flash: bits are programmed to 0 and erased to 1, and each operation may be the last."""

    def readblocks(self, block, buf, offset=0):
        flash.seek(block * _BLOCK_BYTES + offset)
        flash.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        self._operate(_OP_PROGRAM, block * _BLOCK_BYTES + offset, buf)

    def ioctl(self, op, arg):
        if op == 4:
            return config["blocks"]
        if op == 5:
            return _BLOCK_BYTES
        if op == 6:
            self._operate(_OP_ERASE, arg * _BLOCK_BYTES, _ERASED)
            return 0

    def _operate(self, op, at, data):
        counter.seek(0)
        done = int.from_bytes(counter.read(4), "little") + 1
        is_last = done == int.from_bytes(counter.read(4), "little")
        counter.seek(0)
        counter.write(done.to_bytes(4, "little"))
        if journal:
            journal.write(bytes([op]) + at.to_bytes(4, "little") + len(data).to_bytes(4, "little"))
            journal.write(data)
        flash.seek(at)
        flash.write(memoryview(data)[: len(data) // 2] if is_last else data)
        if is_last:
            end("cut")


class Words:
    """Registers: the watchdog's scratch words outlive a reset, others are only remembered."""

    def __init__(self):
        self.others = {}

    def __getitem__(self, address):
        if 0 <= address - _SCRATCH_0 < 32:
            scratch_file.seek(address - _SCRATCH_0)
            return int.from_bytes(scratch_file.read(4), "little")
        return self.others.get(address, 0)

    def __setitem__(self, address, value):
        if 0 <= address - _SCRATCH_0 < 32:
            scratch_file.seek(address - _SCRATCH_0)
            scratch_file.write((value & 0xFFFFFFFF).to_bytes(4, "little"))
        else:
            self.others[address] = value


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    levels = {}

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        if value is not None:
            self.levels[number] = value

    def value(self, *value):
        if value:
            self.levels[self.number] = value[0]
        return self.levels.get(self.number, 0)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class WDT:
    def __init__(self, timeout=5000):
        tell("watchdog %d" % timeout)

    def feed(self):
        tell("fed")


class Machine:
    Pin = Pin
    WDT = WDT
    PWRON_RESET = 1
    WDT_RESET = 3
    mem32 = Words()

    def reset(self):
        end("reset")

    def reset_cause(self):
        return config["reset_cause"]

    def unique_id(self):
        return bytes(config["unique_id"])

    def freq(self):
        return 125_000_000

    def idle(self):
        time.sleep_ms(1)

    def lightsleep(self, ms=1):
        time.sleep_ms(ms)

    def bootloader(self):
        end("bootsel")

    def stop_watchdog(self):
        """Of the bench alone; the chip's is stopped by a register."""
        tell("watchdog 0")


class Rp2:
    def bootsel_button(self):
        button_file.seek(0)
        return int(button_file.read(1))


class Micropython:
    """The module with a Ctrl-C that is the terminal's, as the chip's is of its USB."""

    def __getattr__(self, name):
        return getattr(micropython, name)

    def kbd_intr(self, char):
        state = termios.tcgetattr(0)
        state[3] = state[3] & ~_ISIG if char < 0 else state[3] | _ISIG
        termios.tcsetattr(0, termios.TCSANOW, state)


class Sys:
    """The module of the chip that the bench stands for."""

    platform = "rp2"

    class implementation:
        name = "micropython"
        version = tuple(config["version"])
        _machine = config["machine"]
        _mpy = config["mpy"]

    def __getattr__(self, name):
        return getattr(_sys, name)


_sys = sys
_ERASED = b"\xff" * _BLOCK_BYTES
sys.modules["machine"] = machine = Machine()
sys.modules["rp2"] = Rp2()
sys.modules["micropython"] = Micropython()
sys.modules["sys"] = Sys()
sys.path[:] = ["", "/lib"]
vfs.umount("/")
device = BlockDevice()
try:
    disk = vfs.VfsLfs2(device, progsize=256)
    vfs.mount(disk, "/")
except OSError:
    vfs.VfsLfs2.mkfs(device, progsize=256)
    disk = vfs.VfsLfs2(device, progsize=256)
    vfs.mount(disk, "/")
os.chdir("/")
sys.modules["micropython"].kbd_intr(3)


def run(name, names):
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return
    try:
        exec(compile(source, name, "exec"), names)
    except SystemExit:
        end("reset")
    except BaseException as error:
        sys.print_exception(error)


tell("boot")
_names = {"__name__": "__main__"}
run("boot.py", _names)
run("main.py", _names)
for _name in _names:  # for the prompt, but nothing of the bench's own
    if _name not in globals():
        globals()[_name] = _names[_name]
tell("prompt")
