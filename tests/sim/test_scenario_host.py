"""The scenario's host behaves as a real one: it repeats, renews, asks again, and survives a bad link."""

import itertools

from tests.sim.scenarios import LOADED, verdict

LEASED = LOADED + "lease_s = 0.4\n"


def answers(result) -> list[str | None]:
    return [result.record.host.answers[number].result for number in sorted(result.record.host.answers)]


def test_a_load_is_armed_for_by_itself_and_answered() -> None:
    result = verdict(LOADED + "[[expect]]\nmode = 'ARMED'")
    assert result.is_passed and answers(result) == ["OK"]
    assert result.figures["hellos"] == 1 and result.figures["repeats"] == 0


def test_a_lease_is_renewed_four_times_in_its_length_and_lapses_when_the_host_falls_silent() -> None:
    kept = verdict(LEASED, 4.3)
    assert 38 <= kept.figures["heartbeats"] <= 41 and kept.figures["faults"] == []
    silent = verdict(LEASED + "[[command]]\nat_s = 2.0\ndo = 'silence'\nfor_s = 1.0", 4.3)
    assert silent.figures["faults"] == ["LEASE_LAPSED"]
    assert silent.figures["heartbeats"] < 25, "a lease that has lapsed is not renewed"


def test_a_lapsed_lease_is_noticed_however_late_the_answer_comes() -> None:
    late = "[[fault]]\nat_s = 1.0\nname = 'link_delay'\nms = 150\n"
    silent = "[[command]]\nat_s = 2.0\ndo = 'silence'\nfor_s = 1.0\n"
    result = verdict(LEASED + late + silent, 5.0)
    told = [entry.time_s for entry in result.entries if "heartbeat refused" in entry.text]
    assert len(told) == 1 and 3.1 < told[0] < 3.5
    assert result.figures["heartbeats"] < 25, "a lease that has lapsed is not renewed"


def test_a_limited_command_says_by_what_and_what_holds() -> None:
    light = "[[command]]\nat_s = 0.3\ndo = 'set-load'\nload = { force_N = 60, inertia_kg = 1 }\n"
    words = "by inertia (pull and push 60.0 N, feels 20.0 kg)"
    result = verdict(light)
    assert f"set-load: LIMITED {words}" in [entry.text for entry in result.entries]
    assert result.figures["limited"] == [f"set-load at 0.3 s {words}"]
    other = verdict(light + "push = { force_N = 50, inertia_kg = 30 }")
    assert other.figures["limited"] == [
        "set-load at 0.3 s by inertia (pull 60.0 N, feels 20.0 kg; push 50.0 N, feels 30.0 kg)"
    ]
    assert verdict(LOADED).figures["limited"] == []


def test_losses_are_told_once_a_second_with_their_sum() -> None:
    drops = "[[fault]]\nat_s = 0.5\nname = 'link_drops'\npart = 0.3\nfor_s = 10\n"
    unplug = "[[fault]]\nat_s = 0.5\nname = 'unplug'\nfor_s = 5\n"
    result = verdict(drops + unplug, 12.0)
    told = [entry for entry in result.entries if entry.text.endswith("are declared lost")]
    times_s = [entry.time_s for entry in told]
    assert len(told) >= 3 and all(b - a > 0.99 for a, b in itertools.pairwise(times_s[:-1]))
    assert sum(int(entry.text.split()[0]) for entry in told) == result.figures["samples_lost"]


def test_a_held_load_needs_no_heartbeats() -> None:
    result = verdict(LOADED + "[[command]]\nat_s = 0.6\ndo = 'silence'\nfor_s = 3.0", 4.0)
    assert result.figures["heartbeats"] == 0 and result.figures["faults"] == []


def test_a_lease_is_not_renewed_any_more_after_a_stop() -> None:
    result = verdict(LEASED + "[[command]]\nat_s = 1.0\ndo = 'stop'", 4.0)
    assert answers(result) == ["OK", "OK"] and result.figures["heartbeats"] <= 8


def test_an_unanswered_command_is_repeated_until_it_is_answered() -> None:
    result = verdict("[[fault]]\nat_s = 0.2\nname = 'link_drops'\npart = 0.25\nfor_s = 2.0\n" + LOADED, 3.0)
    assert answers(result) == ["OK"] and result.figures["repeats"] >= 1
    assert result.is_passed, result.checks


def test_a_command_that_nobody_answers_within_a_second_is_given_up() -> None:
    result = verdict("[[fault]]\nat_s = 0.2\nname = 'unplug'\nfor_s = 2.0\n" + LOADED, 3.0)
    assert answers(result) == [None] and result.figures["unanswered"] == 1
    assert 1.29 <= result.record.host.answers[1].time_s <= 1.35


def test_arming_waits_until_the_load_before_has_come_down() -> None:
    text = """
[[event]]
at_s = 0.5
do = "touch"
force_N = 150
for_s = 2.0
[[command]]
at_s = 2.0
do = "stop"
[[command]]
at_s = 2.05
do = "set-load"
load = { force_N = 50 }
"""
    result = verdict(LOADED + text, 4.0)
    assert answers(result)[1:] == ["OK", "LIMITED"]
    assert [text for _, kind, text in result.entries if kind == "mode"][3:6] == [
        "RAMPING_DOWN",
        "IDLE",
        "ARMED",
    ]


def test_a_stop_waits_for_no_other_command() -> None:
    result = verdict(LOADED + "[[command]]\nat_s = 0.3\ndo = 'drop'", 1.0)
    assert answers(result) == [None, "OK"]


def test_a_stop_right_at_the_start_leaves_the_stream_running() -> None:
    result = verdict("[[command]]\nat_s = 0.01\ndo = 'stop'", 1.0)
    assert answers(result) == ["OK"] and result.figures["samples"] >= 1000 and result.is_passed


def test_a_reboot_is_noticed_greeted_and_the_next_command_understood() -> None:
    text = "[[command]]\nat_s = 0.5\ndo = 'reboot'\n[[command]]\nat_s = 0.52\ndo = 'arm'"
    result = verdict(text + "\n[[expect]]\nmode = 'ARMED'", 3.0)
    assert answers(result) == ["OK", "OK"] and result.figures["boots"] == 2 and result.is_passed
    assert [restart.cause for restart in result.record.host.restarts] == ["REBOOT"]


def test_a_restart_that_shows_only_by_its_refusal_is_greeted_and_the_command_then_done() -> None:
    text = "[[fault]]\nat_s = 0.5\nname = 'brown_out'\nms = 50\n[[command]]\nat_s = 0.7\ndo = 'arm'"
    result = verdict(text, 2.0)
    assert answers(result) == ["OK"] and result.record.host.answers[1].time_s < 1.0
    assert [restart.cause for restart in result.record.host.restarts] == ["POWER_ON"] and result.is_passed


def test_samples_lost_to_a_long_unplug_are_declared_and_a_short_one_loses_none() -> None:
    unplug = "[[fault]]\nat_s = 0.5\nname = 'unplug'\nfor_s = {}"
    short = verdict(unplug.format(2.0), 5.0)
    assert short.is_passed and short.figures["samples_lost"] == 0 and short.figures["samples"] >= 5000
    long = verdict(unplug.format(4.5), 6.0)
    assert long.is_passed and 1000 < long.figures["samples_lost"] < 3000
    assert long.figures["samples"] + long.figures["samples_lost"] >= 6000


def test_damaged_frames_are_asked_for_again() -> None:
    result = verdict("[[fault]]\nat_s = 0.2\nname = 'link_bit_flips'\npart = 3e-4\nfor_s = 2.0", 4.0)
    assert result.is_passed, result.checks
    assert result.figures["damaged_frames"] > 0 and result.figures["resends"] > 0
    assert result.figures["samples"] + result.figures["samples_lost"] >= 4000


def test_a_cable_that_splits_or_holds_back_bytes_changes_nothing() -> None:
    for name in ("link_splits", "link_merges"):
        result = verdict(f"[[fault]]\nat_s = 0.1\nname = '{name}'\n" + LOADED, 2.0)
        assert result.is_passed and answers(result) == ["OK"] and result.figures["samples_lost"] == 0


def test_settings_are_set_before_a_load_and_refused_under_one() -> None:
    one = "[[command]]\nat_s = {}\ndo = 'set'\nsetting = 'force_max_mN'\nvalue = 90000\n"
    result = verdict(one.format(0.1) + LOADED + one.format(1.0), 2.0)
    assert answers(result) == ["OK", "LIMITED", "NOT_WHILE_ARMED"]
