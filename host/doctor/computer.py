"""What of this computer the sled needs: versions, folders that take files, room, and ports it may open."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterable
from importlib import metadata

from host import config, permissions
from host.doctor.checks import LOOK, OK, SKIPPED, WRONG, Check
from host.ports import Candidate, candidates
from host.sharing import servers
from protocol import layout

_GROUP = "this computer"
_HOUR_GB = 0.2  #: of recording: 52 bytes a sample in the file, 1000 a second
_ROOM_GB = 1.0
_ROOM_LEAST_GB = 0.1


def checks() -> list[Check]:
    """Everything that can be told without a sled."""
    return [
        _software(),
        _folder("settings folder", os.path.dirname(config.path())),
        _folder("recordings folder", config.data_folder()),
        _room(config.data_folder()),
        _serving(servers.running()),
        *_ports(candidates()),
    ]


def _software() -> Check:
    try:
        version = metadata.version("resistance-sled")
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        version = "a checkout"
    protocol = f"protocol {layout.PROTOCOL_MAJOR}.{layout.PROTOCOL_MINOR}, layout {layout.LAYOUT_HASH:08x}"
    measured = f"{version}, {protocol}, Python {platform.python_version()}"
    return Check(_GROUP, "software", measured, "Python 3.11 or later", OK)


def _folder(name: str, path: str) -> Check:
    there = _nearest(path)
    expected = "takes files"
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Check(_GROUP, name, f"{path}: {reason}", expected, WRONG, f"ls -ld {there}")
    return Check(_GROUP, name, f"{path} takes files", expected, OK)


def _room(path: str) -> Check:
    there = _nearest(path)
    free_GB = shutil.disk_usage(there).free / 1e9
    verdict = OK if free_GB >= _ROOM_GB else LOOK if free_GB >= _ROOM_LEAST_GB else WRONG
    expected = f"at least {_ROOM_GB:g} GB; an hour of recording takes {_HOUR_GB:g} GB"
    measured = f"{free_GB:.1f} GB free"
    return Check(_GROUP, "room for recordings", measured, expected, verdict, f"df -h {there}", free_GB)


def _nearest(path: str) -> str:
    """The folder, or what there is of the way to it: it is made when it is needed."""
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def _serving(running: list[servers.Server]) -> Check:
    measured = (
        "; ".join(f"process {server.pid} has {server.ports[0]}" for server in running) or "does not run"
    )
    verdict, hint = OK, ""
    if len({server.unique_id for server in running}) < len(running):
        verdict, hint = WRONG, f"kill {running[0].pid}"
    return Check(_GROUP, "host serve", measured, "one for each sled, or none", verdict, hint)


def _ports(found: Iterable[Candidate]) -> list[Check]:
    checks = []
    for candidate in found:
        name = candidate.ports[0]
        access = permissions.access(name) if "://" not in name else None
        expected = "this user may read and write it"
        if access is None:
            checks.append(Check(_GROUP, f"port {name}", candidate.what, expected, SKIPPED))
            continue
        measured = f"{candidate.what}, {access.words}"
        verdict = OK if access.is_allowed else WRONG
        checks.append(Check(_GROUP, f"port {name}", measured, expected, verdict, permissions.remedy(name)))
    return checks
