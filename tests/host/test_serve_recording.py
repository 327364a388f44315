"""`host serve` records what is done with the sled, and nobody ever waits for its disk."""

from pathlib import Path
from struct import pack

import pytest

from host.following import Away, Back, Batch, Item, Lost, Pong, Told
from host.recording import About
from host.recording.catalogue import listed
from host.recording.reading import Recording
from host.recording.recovery import open_recording
from host.session import Device
from host.sharing import recording
from host.sharing.recording import Commanded, Recordings
from protocol import codes, layout, wire
from tests.host.recordings import ABOUT, DEVICE, status
from tests.host.sleds import load_fields
from tests.host.test_recording_disk import fill

MODES = {mode.name: mode.number for mode in codes.MODES}
IDLE_s = 10.0
STEP_s = 0.016


def batch(index: int, mode: str = "IDLE", velocity_mm_per_s: int = 0, boot_id: int = 77) -> Batch:
    flags = MODES[mode] << codes.SAMPLE_MODE_SHIFT
    one = pack(layout.SAMPLE_FORMAT, index, velocity_mm_per_s, 0, 0, 0, flags)
    return Batch(boot_id, index, wire.Samples(16 * one))


def commanded(force_mN: int, applied_mN: int | None = None, result: str = "OK") -> Commanded:
    """A load that `host set-load` asked for, and what the sled made of it."""
    results = {code.name: code.number for code in codes.RESULTS}
    fields = {"command_id": 1, **load_fields(force_mN)}
    answer = {"command_id": 1, "result": results[result], "mode": MODES["ARMED"]}
    if applied_mN is None:
        return Commanded(100.0, "set-load", fields, wire.Received("REPLY", {**answer, "setting_value": 0}))
    loads = {way: load_fields(applied_mN)[way] for way in ("pull", "push")}
    return Commanded(100.0, "set-load", fields, wire.Received("LOAD_REPLY", {**answer, "limits": 0, **loads}))


class Book:
    """Recordings of a made-up sled, whose samples come as its clock goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.now_s = 100.0
        self.index = 0
        self.asked: list[Device] = []
        self.about_s = 0.0  #: that asking takes
        self.recordings = Recordings(
            str(folder), DEVICE, self.about, self.said.append, lambda: self.now_s, IDLE_s
        )

    def about(self, device: Device) -> About:
        self.asked.append(device)
        self.now_s += self.about_s
        return ABOUT._replace(device=device, load=None, settings={"hold_s": len(self.asked)})

    def take(self, item: Item | Commanded) -> None:
        self.recordings.take(item)

    def pass_by(self, seconds: float, mode: str = "IDLE", velocity_mm_per_s: int = 0) -> None:
        for _ in range(round(seconds / STEP_s)):
            self.now_s += STEP_s
            self.take(batch(self.index, mode, velocity_mm_per_s))
            self.index += 16

    def files(self) -> list[str]:
        return sorted(str(path) for path in self.folder.glob("*.mcap"))

    def only(self) -> Recording:
        (path,) = self.files()
        return open_recording(path)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def indices(found: Recording) -> list[int]:
    return [index for boot in found.boots for index in boot.samples["sample_index"].tolist()]


def test_a_sled_that_stands_idle_fills_no_disk(book: Book) -> None:
    book.pass_by(60.0)
    book.take(Told(book.now_s, wire.Received("STATUS", status(mode=0))))
    book.pass_by(60.0, "FAULT")
    book.pass_by(1.0, velocity_mm_per_s=99)
    assert not book.files() and not book.said and not book.asked


@pytest.mark.parametrize(
    "use", [("ARMED", 0), ("LOADING", 0), ("RAMPING_DOWN", 0), ("IDLE", 100), ("IDLE", -100)]
)
def test_it_begins_when_the_sled_is_put_to_use_and_has_the_seconds_before(
    use: tuple[str, int], book: Book
) -> None:
    book.about_s = 1.0
    book.take(Told(book.now_s, wire.Received("STATUS", status(mode=0))))
    book.pass_by(20.0)
    book.take(Pong(book.now_s - 0.001, book.now_s, 77, book.index, 0.0))
    book.take(Lost(book.index, 8))
    book.index += 8
    begun = book.index
    book.pass_by(1.0, *use)
    book.recordings.end("host serve has ended")
    found = book.only()
    before = [index for index in indices(found) if index < begun]
    assert 4900 <= begun - before[0] <= 5100 and len(before) == begun - 8 - before[0]
    assert indices(found)[-1] == book.index - 1 and len(found.gaps) == 1
    assert found.session["athlete"] == "Ann Lee" and found.end["reason"] == "host serve has ended"
    assert all(each.log_ns >= int(found.session["started_ns"]) for each in found.told)
    log_s = (found.boots[0].samples["log_ns"].astype(float) - int(found.session["started_ns"])) / 1e9
    assert -0.1 < log_s[0] < 0.1 and log_s[-1] == pytest.approx(6.0, abs=0.1), "not all at its beginning"
    assert book.said == [
        f"recording {found.id}: the sled is in use",
        f"recording {found.id} has ended (host serve has ended): {len(indices(found))} samples, "
        f"8 lost, 0 lengths; host show {found.id}",
    ]


def test_it_ends_when_nothing_was_done_for_long_and_the_next_use_is_another_one(book: Book) -> None:
    book.pass_by(1.0, "ARMED")
    book.pass_by(IDLE_s - 1.0)
    book.pass_by(0.1, velocity_mm_per_s=500)
    book.pass_by(IDLE_s - 0.1)
    assert len(book.said) == 1, "it had moved"
    assert listed(str(book.folder)).live[0].samples == book.index, "the list has it while it is written"
    book.pass_by(0.2)
    assert "neither load nor movement for 10 s" in book.said[1]
    assert [entry.samples for entry in listed(str(book.folder)).entries] == [book.only().totals()["samples"]]
    book.pass_by(60.0)
    assert len(book.files()) == 1
    book.pass_by(1.0, "LOADING")
    book.recordings.end("x")
    assert len(book.files()) == 2 and len(book.said) == 4


def test_a_sled_that_is_slow_to_answer_for_its_settings_is_in_use_all_the_same(book: Book) -> None:
    book.about_s = 2 * IDLE_s
    book.pass_by(1.0, "ARMED")
    assert len(book.said) == 1 and len(book.files()) == 1


def test_it_ends_while_the_sled_is_away_and_says_nothing(book: Book) -> None:
    book.pass_by(1.0, "ARMED")
    book.take(Away(book.now_s, "unplugged"))
    book.now_s += IDLE_s - 0.1
    book.recordings.look()
    assert len(book.said) == 1
    book.now_s += 0.2
    book.recordings.look()
    book.recordings.look()
    assert len(book.said) == 2 and book.only().end["reason"].startswith("neither load nor movement")


def test_what_came_before_the_link_dropped_belongs_to_no_later_recording(book: Book) -> None:
    book.pass_by(3.0)
    book.take(Away(book.now_s, "unplugged"))
    again = DEVICE._replace(boot_id=78)
    book.take(Back(book.now_s, 1.0, "port", again, True, status(mode=0)))
    book.take(batch(0, boot_id=78))
    book.take(batch(16, "ARMED", boot_id=78))
    book.recordings.end("x")
    (boot,) = book.only().boots
    assert boot.boot_id == 78 and len(boot.samples) == 32 and book.asked == [again]
    assert [device["boot_id"] for device in book.only().devices] == ["78"]
    assert not book.only().of("/link") and book.only().end["restarts"] == "0"


def test_after_a_restart_the_settings_are_asked_anew(book: Book) -> None:
    book.pass_by(1.0, "ARMED")
    book.take(Away(book.now_s, "unplugged"))
    book.take(Back(book.now_s, 1.0, "port", DEVICE, False, status()))
    assert len(book.asked) == 1
    book.take(Back(book.now_s, 1.0, "port", DEVICE._replace(boot_id=78), True, status()))
    book.recordings.end("x")
    assert [settings["boot_id"] for settings in book.only().settings] == [77, 78]
    assert [settings["hold_s"] for settings in book.only().settings] == [1, 2]


def test_a_load_is_noted_as_it_was_asked_for_by_whom_and_as_it_came_out(book: Book) -> None:
    book.pass_by(1.0)
    book.take(commanded(900_000, 800_000, "LIMITED"))  # just before the first sample that is armed
    book.pass_by(1.0, "ARMED")
    book.take(commanded(130_000, 130_000))
    book.take(commanded(5, result="FAULTED"))
    book.recordings.end("x")
    found = book.only()
    asked = found.of("/set_load")
    assert [each["pull"]["force_N"] for each in asked] == [900.0, 130.0, 0.0]
    assert [each["result"] for each in asked] == ["LIMITED", "OK", "FAULTED"]
    assert {each["by"] for each in asked} == {"set-load"} and asked[0]["lease_s"] is None
    assert [each["pull.force_mN"] for each in found.of("/load_reply")] == [800_000, 130_000]
    (entry,) = listed(str(book.folder)).entries
    assert entry.load == "130 N", "in the list stands what was set last"


def test_a_leased_load_is_noted_with_its_lease(book: Book) -> None:
    book.pass_by(0.1, "ARMED")
    leased = commanded(1000, 1000)
    book.take(leased._replace(fields={**leased.fields, **load_fields(1000, lease_ms=500)}))
    book.recordings.end("x")
    assert [each["lease_s"] for each in book.only().of("/set_load")] == [0.5]


@pytest.mark.parametrize("kind", ["samples", "a load", "the end"])
def test_a_full_disk_is_one_line_and_is_tried_again_after_a_minute(
    kind: str, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.pass_by(1.0, "ARMED")
    with monkeypatch.context() as patch:
        fill(patch, 20)
        if kind == "samples":
            book.pass_by(1.0, "ARMED")
        elif kind == "a load":
            book.take(commanded(1000, 1000))
        else:
            book.recordings.end("x")
        book.pass_by(10.0, "ARMED")
        assert (
            len(book.said) == 2
            and "the disk is full" in book.said[1]
            and "served all the same" in book.said[1]
        )
        book.pass_by(recording.TRY_AGAIN_s, "ARMED")
        assert len(book.said) == 3 and f"cannot record in {book.folder}: the disk is full" in book.said[2]
    book.pass_by(recording.TRY_AGAIN_s, "ARMED")
    book.recordings.end("x")
    assert len(book.files()) == 2 and len(book.said) == 5
    for path in book.files():
        assert open_recording(path).is_whole and indices(open_recording(path))


def test_a_disk_that_fills_up_with_the_first_seconds_is_one_line(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.pass_by(5.0)
    with monkeypatch.context() as patch:
        fill(patch, 50_000)
        book.pass_by(1.0, "ARMED")
    assert len(book.said) == 2 and "the disk is full" in book.said[1]
    assert len(indices(book.only())) > 500


def test_a_disk_that_did_not_keep_up_ends_the_recording_and_the_next_knows_nothing_of_before(
    book: Book,
) -> None:
    book.pass_by(1.0, "ARMED")
    again = DEVICE._replace(boot_id=78)
    book.recordings.skip(again)
    assert "taken nothing for minutes" in book.said[1] and "taken nothing" in book.only().end["reason"]
    book.pass_by(3.0)
    book.recordings.skip(again)
    book.now_s += recording.TRY_AGAIN_s
    book.take(batch(0, "ARMED", boot_id=78))
    book.recordings.end("x")
    boots = [each.boots[0] for each in map(open_recording, book.files())]
    assert [len(boot.samples) for boot in boots if boot.boot_id == 78] == [16]
    assert book.asked == [DEVICE, again]


def test_a_disk_that_is_given_up_may_be_full_too(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    book.pass_by(1.0, "ARMED")
    with monkeypatch.context() as patch:
        fill(patch, 0)
        book.recordings.skip(DEVICE)
    assert len(book.said) == 2 and book.only().mended
