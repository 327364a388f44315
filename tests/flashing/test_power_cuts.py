"""The power goes in the middle of a flash: the board comes back by itself, with its settings.

`python -m tests.flashing` does the same for whole flashes, and at random moments of running ones.
"""

from pathlib import Path

from device.sled import storage
from tests.device.storing import with_value
from tests.flashing import cuts, unix_board
from tests.flashing.flashed import changed, ready, slot_files

KEPT = {"settings.0": storage.pack(1, with_value("trim_max_mN", 5_000), ()), "mine.txt": b"mine"}


def test_a_cut_in_any_operation_of_a_small_update_leaves_a_board_that_starts(tmp_path: Path) -> None:
    sources = unix_board.sources(tmp_path / "old")
    before = ready(sources) | slot_files(sources, "b") | KEPT
    update = changed(unix_board.sources(tmp_path / "new"))
    record = cuts.recorded(tmp_path / "board", before, sources, update)
    assert len(record.operations) > 15
    assert cuts.failures(tmp_path, record, KEPT) == []


def test_a_cut_that_a_board_does_not_survive_is_seen(tmp_path: Path) -> None:
    sources = unix_board.sources(tmp_path)
    before = ready(sources) | KEPT
    record = cuts.recorded(tmp_path / "board", before, sources, sources)
    assert record.operations == []
    image = record.before
    at = image.index(ready(sources)["a/MANIFEST"][:64])
    broken = record._replace(operations=[cuts.Operation(at, bytes(128))])
    found = cuts.failures(tmp_path, broken, KEPT)
    assert [failure.operation for failure in found] == [0]
