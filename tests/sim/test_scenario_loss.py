"""Whatever a firmware does to samples, silently, fails the scenario: its own word is not believed."""

from collections.abc import Callable
from typing import Any

import pytest

from device.sled import codec, commands, layout, telemetry, tick
from sim.scenario.running import Verdict
from sim.scenario.samples import Samples
from tests.sim.scenarios import LOADED, verdict

RULE = "every sample came or was declared lost"
BROWN_OUT = "[[fault]]\nat_s = {}\nname = 'brown_out'\nms = {}\n"
UNPLUG = "[[fault]]\nat_s = {}\nname = 'unplug'\nfor_s = {}\n"

real_send = telemetry.Telemetry._send


def trouble(result: Verdict) -> str:
    """What the rule says, empty where it holds."""
    check = next(check for check in result.checks if check.what == RULE)
    return "" if check.is_good else check.measured


def once(when: Callable[[int], bool]) -> Callable[[int], bool]:
    done: list[int] = []

    def is_first(first: int) -> bool:
        if done or not when(first):
            return False
        done.append(first)
        return True

    return is_first


def skip_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware passes over one sample after 1 s, and never sends any again."""
    is_now = once(lambda following: following >= 1000)

    def send(self: Any, first: int, end: int, flags: int) -> int:
        following: int = real_send(self, first, end, flags)
        return following + 1 if not flags and is_now(following) else following

    monkeypatch.setattr(telemetry.Telemetry, "_send", send)
    monkeypatch.setattr(telemetry.Telemetry, "resend", lambda self, first, count: None)


def fall_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware sends no sample after 2 s, and its status knows of none."""

    def as_if_over(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(self: Any, *args: Any) -> Any:
            state = (self.app if hasattr(self, "app") else self).s
            newest = state[tick.SAMPLE_INDEX]
            state[tick.SAMPLE_INDEX] = min(newest, 2000)
            result = act(self, *args)
            state[tick.SAMPLE_INDEX] = newest
            return result

        return acting

    for owner, name in ((telemetry.Telemetry, "poll"), (commands.Commands, "_status")):
        monkeypatch.setattr(owner, name, as_if_over(getattr(owner, name)))


def send_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware sends what is in its ring 500 samples earlier, under the right index."""
    real_copy = codec.copy_words

    def copy(out: Any, offset: int, ring: Any, at: int, count: int) -> Any:
        return real_copy(out, offset, ring, max(at - 500 * tick.SAMPLE_WORDS, 0), count)

    monkeypatch.setattr(codec, "copy_words", copy)


def declare_and_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firmware declares 16 samples lost, and sends them after all."""
    is_now = once(lambda first: first >= 1000)

    def send(self: Any, first: int, end: int, flags: int) -> int:
        if flags or not is_now(first):
            return real_send(self, first, end, flags)  # type: ignore[no-any-return]
        out = self.app.link.out
        out[0], out[1] = layout.KIND_SAMPLES_LOST, 0
        codec.put_u16(out, layout.OFF_SAMPLES_LOST_BOOT_ID, self.app.board.boot_id)
        codec.put_i32(out, layout.OFF_SAMPLES_LOST_SAMPLE_INDEX, first)
        codec.put_u16(out, layout.OFF_SAMPLES_LOST_SAMPLE_COUNT, 16)
        self.app.link.send(layout.HEADER_BYTES + layout.SIZE_SAMPLES_LOST)
        return first

    monkeypatch.setattr(telemetry.Telemetry, "_send", send)


@pytest.mark.parametrize(
    ("harm", "end", "words"),
    [
        (skip_one, BROWN_OUT.format(5.0, 50), "boot 1: 4000 samples from 1000 on never came"),
        (skip_one, "", "samples from 1000 on never came"),
        (fall_silent, "", "on never came"),
        (fall_silent, BROWN_OUT.format(5.0, 50), "on never came"),
        (send_old, "", "samples are not what the tick wrote, the first is"),
        (declare_and_send, "", "boot 1: 16 samples came that had been declared lost"),
    ],
)
def test_a_firmware_that_loses_or_changes_samples_fails(
    monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch], None], end: str, words: str
) -> None:
    assert trouble(verdict(LOADED + end, 6.0)) == ""
    harm(monkeypatch)
    assert words in trouble(verdict(LOADED + end, 6.0))


@pytest.mark.parametrize(
    ("faults", "least", "most"),
    [
        (BROWN_OUT.format(2.0, 50), 0, 30),  # only what was just being sent
        (UNPLUG.format(1.0, 2.0) + BROWN_OUT.format(2.0, 100), 950, 1050),
        (BROWN_OUT.format(1.0, 20) + BROWN_OUT.format(1.3, 20), 250, 330),  # nobody knew of the second boot
        (UNPLUG.format(1.0, 1.0), 0, 0),
    ],
)
def test_samples_that_a_restart_took_are_counted_and_excused_where_the_link_explains_it(
    faults: str, least: int, most: int
) -> None:
    result = verdict(LOADED + faults, 4.0)
    assert trouble(result) == "" and result.figures["samples_lost"] == 0
    assert least <= result.figures["samples_gone_at_restarts"] <= most


def test_a_sample_declared_lost_that_comes_is_counted_in_order_or_ahead_of_it() -> None:
    samples = Samples(1)
    row = tuple(0 for _ in samples.columns)
    samples.take(0, [row] * 10)
    samples.declare_lost(10, 14)
    samples.take(12, [row] * 4)
    assert (samples.contradicted, samples.next, samples.lost) == (2, 16, 4)
    samples.declare_lost(20, 22)  # 16 to 19 are still to come
    samples.take(20, [row])
    assert (samples.contradicted, samples.next) == (3, 16)
    samples.take(16, [row] * 4)
    assert (samples.next, samples.lost, samples.contradicted) == (22, 5, 3)
    samples.take(0, [row])
    assert (samples.duplicates, samples.contradicted) == (3, 3), "a sample that came twice was never lost"
