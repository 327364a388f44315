"""Fixtures of the host's tests: the real command line, away from this user's files."""

from tests.host.command_line import host

__all__ = ["host"]
