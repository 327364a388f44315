"""What became of every sample that the tick wrote: it came as it was written, or was declared lost.

The device's word is not enough: what it wrote is taken from its own memory, noted while it ran.
"""

from bisect import bisect_left
from struct import iter_unpack

from protocol import layout
from sim.faults.link import LINK_FAULTS
from sim.faults.time import TIME_FAULTS
from sim.scenario.reading import Scenario
from sim.scenario.record import Record, Written
from sim.scenario.samples import Samples

_LATE_s = 0.25  # a sample may be so old before it is sent, over a link that works
_CATCH_UP_s = 1.0  # after a link fault, beside as long again as it lasted
_GREETING_s = 2.0  # until the host has noticed a restart, and has what was measured in the meantime

_HOLDS_UP = {fault.name for fault in (*LINK_FAULTS, *TIME_FAULTS)}


def unaccounted(scenario: Scenario, record: Record) -> str:
    """What is wrong with the samples, empty if nothing is."""
    host = record.host
    if not host.boots:
        return "no sample came: the device never answered HELLO"
    heard = {boot.boot_id: boot for boot in host.boots}
    # The watch does not see a boot that began after the end.
    numbers = list(dict.fromkeys([*record.watch.written, *heard]))
    troubles = []
    for number, boot_id in enumerate(numbers, 1):
        boot = heard.get(boot_id) or Samples(boot_id)
        written = record.watch.written.get(boot_id) or Written()
        may_be_gone = boot_id != numbers[-1] and _is_excused(scenario, record, boot)
        for trouble in (
            _miscounted(boot),
            "" if may_be_gone else _missing(boot, written),
            _wrong(boot, written),
        ):
            if trouble:
                troubles.append(f"boot {number}: {trouble}")
    if not host.is_complete:
        troubles.append("the device did not give the rest after the end")
    return "; ".join(troubles)


def gone_at_restarts(record: Record) -> int:
    """How many samples of earlier boots went with the controller's memory before they were sent."""
    heard = {boot.boot_id: boot.next for boot in record.host.boots}
    last = record.host.boots[-1].boot_id if record.host.boots else -1
    return sum(
        max(written.newest - heard.get(boot_id, 0), 0)
        for boot_id, written in record.watch.written.items()
        if boot_id != last
    )


def _miscounted(boot: Samples) -> str:
    came = len(boot.index)
    doubled = came - len(set(boot.index))
    if doubled:
        return f"{doubled} samples came twice"
    if came + boot.lost != boot.next:
        return f"{boot.next - came - boot.lost} samples are nowhere"
    if boot.contradicted:
        return f"{boot.contradicted} samples came that had been declared lost"
    return ""


def _missing(boot: Samples, written: Written) -> str:
    end = max(boot.end, written.newest)
    return f"{end - boot.next} samples from {boot.next} on never came" if boot.next < end else ""


def _wrong(boot: Samples, written: Written) -> str:
    """Whether the samples that were noted in the device's memory are those that came."""
    columns = list(boot.columns.values())
    wrong = []
    for index, values in zip(written.index, iter_unpack(layout.SAMPLE_FORMAT, written.samples), strict=True):
        place = bisect_left(boot.index, index)
        has_come = place < len(boot.index) and boot.index[place] == index
        if has_come and tuple(column[place] for column in columns) != values:
            wrong.append(index)
    if not wrong:
        return ""
    return (
        f"{len(wrong)} of {len(written.index)} samples are not what the tick wrote, the first is {wrong[0]}"
    )


def _is_excused(scenario: Scenario, record: Record, boot: Samples) -> bool:
    """Whether what an earlier boot did not send had only just been written, or could not be sent."""
    written = record.watch.written.get(boot.boot_id)
    if written is None:
        return False
    held_up = [
        (each.at_s, each.at_s + 2 * each.for_s + _CATCH_UP_s)
        for each in scenario.breaks
        if each.name in _HOLDS_UP
    ]
    held_up += [
        (each.at_s, each.at_s + 2 * each.fields["for_s"] + _CATCH_UP_s)
        for each in scenario.commands
        if each.do == "silence"
    ]
    held_up += [(each.time_s, each.time_s + _GREETING_s) for each in record.watch.boots]
    from_s = record.watch.sample_time_s(boot.boot_id, written.newest) - _LATE_s
    for begin_s, end_s in sorted(held_up, reverse=True):
        if begin_s < from_s <= end_s:
            from_s = begin_s
    return record.watch.sample_time_s(boot.boot_id, boot.next) >= from_s
