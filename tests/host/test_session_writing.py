"""Who may write when: STOP before all else, any thread, each with its own number; and who gets an answer."""

import threading
import time

import pytest

from host.errors import LinkError
from host.session import Session
from protocol import layout, wire
from tests.host.peers import Deaf
from tests.host.test_session import connected, load_of, pulled, session

__all__ = ["pulled", "session"]


def test_a_stop_waits_for_no_other_thread_and_throws_away_what_is_still_to_be_sent() -> None:
    port = Deaf()
    session = Session(port, "a device that does not read")
    other = threading.Thread(target=session.write, args=(b"a frame that is stuck\0",))
    other.start()
    port.stuck.wait(20)
    with pytest.raises(LinkError, match="emergency stop"):
        session.stop()
    assert other.is_alive(), "the other thread is still stuck in its write"
    port.release.set()
    other.join()
    stop = [frame for data in port.written[1:] for frame in wire.FrameReader().feed(data)]
    assert len(stop) > 3 and {frame.kind for frame in stop} == {layout.KINDS["STOP"]}
    assert port.discarded and port.written[1][0] == 0, "a zero first, should a frame have been cut off"


def test_a_stop_works_from_a_ctrl_c_in_the_middle_of_a_request(pulled: Session) -> None:
    read = pulled.port.read

    def interrupted(size: int = 1) -> bytes:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pulled.port, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pulled.request("GET_STATUS")
    assert pulled.port.read == read
    pulled.stop()
    assert load_of(pulled).state == "ramping_down"


def test_many_threads_write_whole_frames_with_ids_of_their_own() -> None:
    written = []

    class Slow(Deaf):
        def write(self, data: bytes) -> int:
            for byte in data:
                written.append(byte)
                time.sleep(0)  # another thread may come now
            return len(data)

    session = Session(Slow(), "a slow port")

    def write() -> None:
        for _ in range(50):
            session.write(wire.encode("ARM", {"command_id": session.new_id()}))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = wire.FrameReader().feed(bytes(written))
    assert len({wire.decode(frame).fields["command_id"] for frame in frames}) == 200


def test_an_answer_that_comes_late_is_not_taken_for_another(session: Session) -> None:
    cable = session.port.rig.cable  # type: ignore[attr-defined]
    cable.delay_ms = 600.0
    with pytest.raises(LinkError, match="stopped answering"):
        session.request("ARM")
    late = session._next_id
    cable.delay_ms = 0.0
    reply = session.request("GET_SETTING", setting=0)
    assert reply.fields["command_id"] == session._next_id
    assert late in [message.fields.get("command_id") for message in session.messages(0.0)], "it did come"


def test_a_status_is_never_the_answer_to_another_command_of_that_number(session: Session) -> None:
    status = connected().request("GET_STATUS").fields
    read, write = session.port.read, session.port.write
    waiting: list[bytes] = []

    def answered(data: bytes) -> int | None:
        waiting.append(wire.encode("STATUS", {**status, "command_id": session._next_id}))
        return write(data)

    def mixed(size: int = 1) -> bytes:
        return waiting.pop() if waiting else read(size)

    session.port.write, session.port.read = answered, mixed  # type: ignore[method-assign]
    assert session.request("ARM").name == "REPLY"


def test_a_tap_takes_frames_before_anything_else_looks_at_them(session: Session) -> None:
    taken: list[wire.Frame] = []

    def tap(frame: wire.Frame) -> bool:
        taken.append(frame)
        return frame.kind == layout.KINDS["CLOCK_PONG"]

    session.tap = tap
    session.write(wire.encode("CLOCK_PING", {"ping_id": 1}))
    session.request("GET_STATUS")
    assert [frame.kind for frame in taken] == [layout.KINDS["CLOCK_PONG"], layout.KINDS["STATUS"]]
    assert [message.name for message in session.messages(0.1)] == []
    assert session.damaged_frames == 0


def test_each_message_comes_with_the_time_at_which_it_was_read_however_late_it_is_looked_at(
    session: Session,
) -> None:
    session.send("GET_STATUS")
    session.request("GET_SETTING", setting=0)  # the status comes before that, and waits
    heard_s = session.now()
    session.port.rig.step(500)  # type: ignore[attr-defined]
    (_,) = session.messages(0.0)
    assert 0.0 < session.heard_s <= heard_s < session.now() - 0.4
