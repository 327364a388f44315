"""On unix MicroPython: the real main.py over many states of a board's flash, boot after boot until one stays.

Arguments: a JSON file of cases, each with `files` (path: hexadecimal, or null for a folder of that name),
`failed` (the watchdog's scratch word), `is_full` (the flash takes nothing more) and `is_rescue` (boot.py's
word); and main.py. Prints for each case how many boots there were, what was started (slot, on trial, build),
whether the last one stayed, ENABLE and Ctrl-C at the end, the scratch word, and the text of `slot`.
"""

import binascii
import json
import os
import sys

import vfs

BOOTS = 20
FAILED = 0x4005800C
BLOCKS, BLOCK_BYTES = 32, 1024
SLEEPING = ("sled", "sled.start")


class Reset(BaseException):
    """The chip starts anew."""


class Flash:
    def __init__(self):
        self.bytes = bytearray(b"\xff" * BLOCKS * BLOCK_BYTES)
        self.is_full = False

    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK_BYTES + offset
        buf[:] = self.bytes[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        if self.is_full:
            return -28
        at = block * BLOCK_BYTES + offset
        self.bytes[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK_BYTES
        return -28 if self.is_full and op == 6 else 0


class Pin:
    OUT = 1

    def __init__(self, number, mode, value):
        if number == 7:
            bench.enable = value


class Machine:
    Pin = Pin
    mem32 = {}

    @staticmethod
    def reset():
        assert not bench.enable, "reset with the driver on"
        raise Reset

    @staticmethod
    def WDT(timeout):
        assert timeout <= 8388, "the RP2040's watchdog waits no longer"
        bench.is_watched = True


class MicroPython:
    @staticmethod
    def kbd_intr(char):
        bench.interrupt = char


class Bench:
    """What the firmwares on the flash talk to."""

    def started(self, slot, is_on_trial, build):
        assert self.interrupt == -1, "Ctrl-C would interrupt it"
        assert self.is_watched, "a firmware that hangs before it starts would hang for ever"
        # As a firmware that runs does: the brake is on.
        self.enable = 1
        self.starts.append([slot, is_on_trial, binascii.hexlify(build).decode()])

    def well(self, slot, is_on_trial):
        self.is_well = True
        self.enable = 0
        Machine.mem32[FAILED] = 0
        if is_on_trial:
            with open("/slot", "w") as file:
                file.write(slot)


def write(path, content):
    at = path.rfind("/")
    while at > 0 and not exists(path[:at]):
        write(path[:at], None)
    if content is None:
        os.mkdir(path)
    else:
        with open(path, "wb") as file:
            file.write(binascii.unhexlify(content))


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def boot(is_rescue):
    for name in SLEEPING:
        sys.modules.pop(name, None)
    sys.path[:] = [""]
    bench.enable = 0  # boot.py's doing
    bench.interrupt = 3
    bench.is_watched = False
    try:
        exec(main, {"__name__": "__main__", "is_rescue": is_rescue})
        return True
    except Reset:
        return False


with open(sys.argv[1]) as file:
    cases = json.load(file)
with open(sys.argv[2]) as file:
    main = compile(file.read(), "main.py", "exec")
sys.modules["machine"] = Machine
sys.modules["micropython"] = MicroPython
sys.modules["bench"] = bench = Bench()
vfs.umount("/")
for case in cases:
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/")
    for path in sorted(case["files"]):
        if not exists(path):
            write(path, case["files"][path])
    flash.is_full = case["is_full"]
    Machine.mem32[FAILED] = case["failed"]
    bench.starts = []
    bench.is_well = False
    boots = 1
    while not boot(case["is_rescue"]) and boots < BOOTS:
        boots += 1
    try:
        with open("/slot", "rb") as file:
            text = binascii.hexlify(file.read()).decode()
    except OSError:
        text = None
    vfs.umount("/")
    print(
        json.dumps(
            [boots, bench.starts, bench.is_well, bench.enable, bench.interrupt, Machine.mem32[FAILED], text]
        )
    )
