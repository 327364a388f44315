# What guard.py and modes.py make of given inputs, as plain lists: imported on CPython by the test, and run
# as a script by MicroPython (`micropython guard_trace.py INPUTS`) with the staged `sled` on MICROPYPATH.


def clamped(guard, load, at, limits):
    s = [-1] * at + load + [-1] * 6
    return [guard.clamp_load(s, at, *limits), s]


def lasted(guard, bits):
    since_ticks = [-1] * len(guard.LASTING)
    now_ticks = 0
    found = []
    for faults, ticks in bits:
        now_ticks += ticks
        found.append([guard.lasting(faults, now_ticks, since_ticks), list(since_ticks)])
    return found


def trace(guard, modes, inputs):
    numbers = range(len(modes.PERMITS))
    triggers = range(-1, len(modes.TABLE))
    return {
        "slow_faults": [guard.slow_faults(*readings) for readings in inputs["readings"]],
        "lasting": lasted(guard, inputs["bits"]),
        "hot_fold": [guard.hot_fold_q10(*heat) for heat in inputs["heat"]],
        "clamped": [clamped(guard, load, at, limits) for load, at, limits in inputs["loads"]],
        "next_mode": [[modes.next_mode(mode, trigger) for trigger in triggers] for mode in numbers],
        "is_armed": [modes.is_armed(mode) for mode in numbers],
        "tables": [[list(row) for row in modes.TABLE], list(modes.PERMITS)],
    }


if __name__ == "__main__":
    import json
    import sys

    from sled import guard, modes

    with open(sys.argv[1]) as file:
        print(json.dumps(trace(guard, modes, json.load(file))))
