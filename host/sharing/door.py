"""The handshake, in one line of JSON each way: who comes in, and why not.

A browser, another user's program or one that has lost its way gets no further than here.
"""

import json
from typing import Any, NamedTuple

LINE_BYTES_MAX = 512
_NAME_MAX = 40


class Refusal(NamedTuple):
    """Why somebody may not come in."""

    sentence: str
    hint: str
    code: int

    def line(self) -> bytes:
        """As the other side reads it."""
        return _line({"ok": False, "error": self.sentence, "hint": self.hint, "code": self.code})


def greeting(token: str, command: str) -> bytes:
    """What a command says first."""
    return _line({"token": token, "command": command})


def welcome() -> bytes:
    """What it hears when it may go on."""
    return _line({"ok": True})


def who(line: bytes, token: str) -> str | None:
    """The command that says this greeting; None for anything else, and for a wrong token."""
    from hmac import compare_digest  # which commands, that only greet, need not load

    try:
        said = json.loads(line)
        given, command = said["token"].encode(), said["command"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(command, str) or not compare_digest(given, token.encode()):
        return None
    shown = "".join(letter for letter in command if letter.isprintable())
    return shown[:_NAME_MAX] or "a program"


def answer(line: bytes) -> Refusal | None:
    """What the server's line says: None for welcome. Raises ValueError for what is no such line."""
    said: Any = json.loads(line)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    if said.get("ok") is True:
        return None
    sentence, hint, code = said.get("error"), said.get("hint"), said.get("code")
    if not isinstance(sentence, str) or not isinstance(hint, str) or not isinstance(code, int):
        raise ValueError("no reason is given")
    return Refusal(sentence, hint, code)


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"
