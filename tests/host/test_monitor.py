"""`host monitor` over links that drop: it waits, says so, and counts."""

from tests.host.command_line import Host, host

__all__ = ["host"]


def test_an_unplug_is_told_and_waited_for_and_the_summary_counts_it(host: Host) -> None:
    words = ("--port", "sim://?scenario=faults/unplug", "monitor", "--seconds", "12")
    lines = host(*words).stdout.splitlines()
    away = next(at for at, line in enumerate(lines) if "pulled out" in line)
    assert lines[away + 1 : away + 3] == [
        "no sled for 1 s; Ctrl-C ends the waiting",
        "no sled for 2 s; Ctrl-C ends the waiting",
    ]
    assert lines[away + 3].startswith("back at sim://?scenario=faults/unplug after 2.5 s; idle")
    assert lines[-1] == "link dropped 1 times, 2.5 s in all; 0 restarts"
    answer = host("--json", *words).answer
    assert (answer["link_dropped"], answer["restarts"], answer["samples_lost"]) == (1, 0, 0)
    assert answer["samples"] > 11_900 and answer["away_s"] > 2.4


def test_after_a_restart_time_and_way_go_on_and_nothing_is_taken_twice(host: Host) -> None:
    words = ("--port", "sim://?scenario=faults/brown_out", "monitor", "--seconds", "12")
    lines = host(*words).stdout.splitlines()
    (back,) = (line for line in lines if line.startswith("back at"))
    assert "has restarted" in back and "idle" in back
    times_s = [float(line.split()[0]) for line in lines if " N (law " in line]
    assert times_s == sorted(times_s) and times_s[-1] > 11
    assert lines[-1].endswith("1 restarts")
