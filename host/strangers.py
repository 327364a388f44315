"""What a port is that did not answer HELLO, as far as the bytes that came from it tell."""

from host.errors import NoAnswer
from protocol import codes

_EXCERPT_BYTES = 256


class Impression:
    """Of whatever is at the other end, from its first bytes."""

    def __init__(self) -> None:
        self._count = 0
        self._excerpt = b""
        self._seen: set[str] = set()

    def note(self, data: bytes) -> None:
        """Bytes that came."""
        self._count += len(data)
        if len(self._excerpt) < _EXCERPT_BYTES:
            self._excerpt += data[:_EXCERPT_BYTES]

    def note_message(self, name: str) -> None:
        """A valid message that came."""
        self._seen.add(name)

    def verdict(self, name: str, within_s: float, damaged_frames: int) -> NoAnswer:
        """For people: port `name` did not answer HELLO, and why that may be."""
        if not self._count:
            sentence = f"{name} is silent: nothing answered HELLO within {within_s:g} s"
        elif "HELLO" in self._seen:
            sentence = f"{name} only returns what is sent to it: a loop-back, not a sled"
        elif self._seen:
            sentence = f"{name} sends a sled's frames but does not answer HELLO within {within_s:g} s"
        elif not self._is_text():
            sentence = (
                f"{name} is full of noise: {self._count} bytes, {damaged_frames} damaged frames, no whole one"
            )
        elif b">>>" in self._excerpt:
            return NoAnswer(
                f"{name} is at MicroPython's prompt, not in the sled's firmware", codes.ONE_VERSION_COMMAND
            )
        else:
            shown = " ".join(self._excerpt.decode("ascii", "replace").split())[:40]
            sentence = f"{name} belongs to another program's device: it sends text ('{shown}')"
        return NoAnswer(sentence, "host ports")

    def _is_text(self) -> bool:
        """Whether what came first looks written for people: letters, and an end of line."""
        if not any(byte in b"\r\n" for byte in self._excerpt):
            return False
        printable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in self._excerpt)
        return printable > 0.9 * len(self._excerpt)
