"""What can go wrong for people: one sentence, the next command to type, and the exit code.

The codes are a contract with scripts; README.md beside this file lists them.
"""

EXIT_OK = 0
EXIT_USAGE = 2  #: bad usage or a bad value
EXIT_NO_DEVICE = 3  #: no device, or several
EXIT_REFUSED = 4  #: the device refused
EXIT_LINK = 5  #: the link failed
EXIT_VERSION = 6  #: versions do not match
EXIT_FAILED = 7  #: a scenario did not go as expected, or `host doctor` found something wrong
EXIT_FILE = 8  #: a file could not be written or read
EXIT_INTERRUPTED = 130  #: stopped by Ctrl-C, as shells count it


class HostError(Exception):
    """One line for people; `hint` is the next command to type, `code` the exit code."""

    code = EXIT_USAGE

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class BadValue(HostError):
    """A word or number that was typed cannot be meant."""


class LoadError(BadValue):
    """A load that cannot be understood, or not be worked out."""


class NoDevice(HostError):
    """No sled was found, or several and none was named."""

    code = EXIT_NO_DEVICE


class Refused(HostError):
    """The device understood and said no; nothing was changed. `result` is its code, where it sent one."""

    code = EXIT_REFUSED

    def __init__(self, sentence: str, hint: str, result: int | None = None) -> None:
        super().__init__(sentence, hint)
        self.result = result


class LinkError(HostError):
    """The port could not be used, or what came through it was not a sled."""

    code = EXIT_LINK


class PortBusy(LinkError):
    """Another program has the port: what is behind it cannot be asked."""


class NoPermission(LinkError):
    """The port is there, but this user may not open it."""


class LinkLost(LinkError):
    """The port of a device that had answered is gone: unplugged, or closed from the other side."""


class NoAnswer(LinkError):
    """The port works, but no answer came in time."""


class FileError(HostError):
    """A recording or another file cannot be written or read; the sled is not concerned."""

    code = EXIT_FILE


class VersionMismatch(HostError):
    """Device and host speak different versions; only HELLO and STOP work."""

    code = EXIT_VERSION
