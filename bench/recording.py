"""`make bench-recording`: what a recording survives, and what it costs.

python -m bench.recording [quick] [kills] [cuts] [cpu] [tables]

Everything by the real command in processes of its own, on a simulated sled in real time. Exit code 1 if
anything that was received is missing.
"""

import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable

from bench.recording_kills import Served, cut_everywhere, kill_often
from bench.report import heading, line

_QUICK = "quick"


def kills(is_quick: bool) -> bool:
    """kill -9 at random moments: what was handed over, by a pipe, against what the file gives back."""
    found = kill_often(10 if is_quick else 200)
    received = sum(each.received for each in found)
    line("kill -9 at random moments", f"{len(found)}")
    line("batches received before the kill, by a pipe", f"{received}")
    line("batches recovered", f"{sum(each.recovered for each in found)}")
    line("written and missing", f"{sum(each.missing for each in found)}", "(goal 0)")
    line("received and killed before they were written", f"{sum(each.unwritten for each in found)}")
    line("samples that differ", f"{sum(each.wrong for each in found)}", "(goal 0)")
    line("files with a torn end", f"{sum(each.is_torn for each in found)}")
    return not sum(each.missing + each.wrong for each in found) and received > 0


def cuts(is_quick: bool) -> bool:
    """A small file, cut at every byte: each whole sample must come back."""
    found = cut_everywhere(23 if is_quick else 1)
    line("cuts of a small file", f"{found.cuts}", f"({found.file_bytes} bytes)")
    line("whole samples in all of them", f"{found.expected}")
    line("samples recovered", f"{found.recovered}")
    line("cuts where one is missing or wrong", f"{found.bad}", "(goal 0)")
    line("cuts before the first sample", f"{found.empty}")
    return not found.bad


def cpu(is_quick: bool) -> bool:
    """Processor time of one core while `host record` records at 1 kHz; starting up is taken off."""
    spans_s = (4, 14) if is_quick else (5, 65)
    shares, sizes = [], []
    with Served() as served:
        for _ in range(1 if is_quick else 3):
            used = []
            for span_s in spans_s:
                before = _children_s()
                answer = served.host("--json", "record", "--quiet", "--seconds", str(span_s))
                used.append(_children_s() - before)
                sizes.append(os.path.getsize(answer["file"]) / answer["samples"])
                lost = answer["samples_lost"]
            shares.append((used[1] - used[0]) / (spans_s[1] - spans_s[0]))
    line("host record at 1 kHz, of one core", f"{100 * statistics.median(shares):.1f} %")
    line("its start and end, processor time", f"{used[0] - spans_s[0] * shares[-1]:.2f} s")
    line("samples lost meanwhile", f"{lost}")
    line("bytes for each sample, all included", f"{sizes[-1]:.1f}")
    line("an hour at 1 kHz", f"{sizes[-1] * 3.6:.0f} MB")
    return True


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tables(is_quick: bool) -> bool:
    """An hour of samples: written, opened, summed up, exported, and read by others with equal values."""
    from bench.recording_tables import compare, hour

    with tempfile.TemporaryDirectory() as folder:
        path, seconds, batches = hour(folder, 3600 if not is_quick else 60)
        line("Recorder.take, each batch of 16 samples", f"{1e6 * seconds / batches:.0f} us")
        for what, value, remark in compare(path, folder):
            line(what, value, remark)
    return True


PARTS: dict[str, tuple[str, Callable[[bool], bool]]] = {
    "kills": ("A recording whose program is killed", kills),
    "cuts": ("A recording cut at every byte", cuts),
    "cpu": ("What recording costs", cpu),
    "tables": ("Reading and exporting", tables),
}


def main(words: list[str]) -> int:
    """Run the named parts, or all; 2 for a part that does not exist."""
    wanted = [word for word in words if word != _QUICK] or list(PARTS)
    if set(wanted) - set(PARTS):
        print(f"bench: parts are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    is_good = True
    for name in wanted:
        title, measure = PARTS[name]
        heading(title)
        is_good &= measure(_QUICK in words)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
