"""Makes stimulus.csv, the inputs of the tick on which all runtimes must agree bit for bit.

A small athlete in integers walks a sled up and back through every load and mode of the tick, then
through both ends of every input, load parameter and setting, then through drawn ones. It does not
run the tick, so that a changed law leaves the stimulus alone.

    python -m seeds.traces.make_stimulus [--check]
"""

import sys
from pathlib import Path

from device.sled import settings as firmware_settings
from device.sled import tick as firmware
from protocol.codes import FAULTS, fault_mask
from protocol.messages import LOAD
from protocol.quantities import QUANTITIES
from protocol.settings import SETTINGS

STIMULUS = Path(__file__).with_name("stimulus.csv")

INPUTS = {  # word, and the ends of what a board may ever put there
    "COUNTS": (-(2**29), 2**29 - 1),
    "CELL_RAW": (0, 65_535),
    "SWITCHES": (0, 15),
    "LATE_us": (0, 1_000_000),
    "BUS_mV": (0, 100_000),
    "TEMPERATURE_cC": (-5_000, 25_000),
}
LOAD_RANGES = [(QUANTITIES[field.name].minimum, QUANTITIES[field.name].maximum) for field in LOAD.subcons]
DROP, RAMP, RAISE = firmware.PERMIT_DROP, firmware.PERMIT_RAMP, firmware.PERMIT_RAISE

# This athlete does not feel the brake, so forces disagree most of the time: only `judged` minds that.
JUDGED = sum(
    1 << fault.number
    for fault in FAULTS
    if fault.name in ("PASSIVITY", "FORCE_STUCK", "CELL_FROZEN", "CELL_DISAGREES")
)

# Loads as F0 mN, m g, b mN s/m, c mN s2/m2, k mN/m, v_cap mm/s.
SLED_40kg = (129_400, 40_000, 0, 0, 0, 0)
LOADS = {
    "force": (250_000, 0, 0, 0, 0, 0),
    "hill": (62_700, 0, 0, 0, 0, 0),
    "deadmill": (60_000, 25_000, 15_000, 0, 0, 0),
    "band": (0, 0, 0, 0, 60_000, 0),
    "fluid": (0, 0, 0, 12_000, 0, 0),
    "magnetic": (0, 0, 35_000, 0, 0, 0),
    "capped": (80_000, 0, 0, 0, 0, 1_200),
    "walk": (0, 0, 0, 0, 0, 0),
}

# `bare_mass_g` of the settings table is BARE_MASS_g of the tick.
_WORD_NAMES = {name.lower(): name for name in vars(firmware)}
SETTING_WORDS = [_WORD_NAMES[setting.name.lower()] for setting in SETTINGS]
_DERIVED = {
    name: value
    for name, value in vars(firmware).items()
    if name[0].isupper() and name.isidentifier() and isinstance(value, int)
    if firmware.DERIVED_AT <= value < firmware.SETTINGS_AT and name != "DERIVED_AT"
}


class Draw:
    """A 64-bit linear congruential generator (Knuth's MMIX): the same numbers everywhere, for ever."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def between(self, low: int, high: int) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return low + (self._state >> 33) % (high - low + 1)

    def chance(self, one_in: int) -> bool:
        return self.between(1, one_in) == 1


class Walk:
    """The athlete and the bare sled, 1 ms per row, in mm/s and um; collects the rows of the file."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.draw = Draw(8)
        self.inputs = dict.fromkeys(INPUTS, 0)
        self.written: dict[str, int] = {}
        self.state = [0] * firmware.STATE_WORDS  # settings, and what follows from them
        self.velocity_q10 = 0
        self.position_um_q10 = 0
        self.counts_offset = 0
        self.force_mN = 0
        self.is_main_alive = True

    def row(self, pokes: dict[str, int], given: dict[str, int]) -> None:
        """One tick: `pokes` are set before it, `given` inputs replace what the walk would show."""
        if self.is_main_alive and len(self.rows) % 40 == 0:
            pokes = {"MAIN_LEFT_ticks": 100} | pokes
        if not pokes.keys().isdisjoint(SETTING_WORDS):
            pokes = pokes | self.derived(pokes)
        cells = []
        for name, value in (self.inputs | given).items():
            cells.append("" if self.written.get(name) == value else str(value))
            self.written[name] = value
        self.rows.append(",".join([*cells, " ".join(f"{name}={value}" for name, value in pokes.items())]))

    def derived(self, pokes: dict[str, int]) -> dict[str, int]:
        """Pokes of the words that follow from changed settings, as the firmware works them out."""
        for name in pokes.keys() & set(SETTING_WORDS):
            self.state[getattr(firmware, name)] = pokes[name]
        before = list(self.state)
        firmware_settings.derive(self.state)
        return {name: self.state[at] for name, at in _DERIVED.items() if self.state[at] != before[at]}

    def go(
        self,
        ticks: int,
        mm_per_s: int,
        pokes: dict[str, int] | None = None,
        mm_per_s2: int = 2_500,
        **given: int,
    ) -> None:
        """Walk on towards a speed (negative pushes); `pokes` before the first tick only."""
        for _ in range(ticks):
            most_q10 = mm_per_s2 * 1024 // 1000
            wanted_q10 = mm_per_s * 1024 - self.velocity_q10
            change_q10 = max(-most_q10, min(most_q10, wanted_q10))
            if mm_per_s:  # strides: 2 per second, and a little unrest
                change_q10 += (len(self.rows) * 4 % 2000 - 1000) // 500 + self.draw.between(-3, 3)
            self.velocity_q10 += change_q10
            self.position_um_q10 += self.velocity_q10
            counts = self.position_um_q10 // 129_589 + self.counts_offset
            self.inputs["COUNTS"] = (counts + 2**29) % 2**30 - 2**29
            sense = (self.velocity_q10 > 0) - (self.velocity_q10 < 0)
            tow_mN = sense * (self.force_mN + 10_000) + change_q10 * 30_000 // 1024
            self.inputs["CELL_RAW"] = max(
                0, min(65_535, 32_768 + tow_mN * 1000 // 30_518 + self.draw.between(-2, 2))
            )
            self.row(pokes or {}, given)
            pokes = None

    def load(self, pull: tuple[int, ...], push: tuple[int, ...] | None = None) -> dict[str, int]:
        """Pokes of a new load; the athlete leans into its constant part."""
        push = pull if push is None else push
        self.force_mN = pull[0]
        pokes = {f"NEXT_PULL+{n}": value for n, value in enumerate(pull)}
        pokes |= {f"NEXT_PUSH+{n}": value for n, value in enumerate(push)}
        return pokes | {"LOAD_PENDING": 1}


def training(walk: Walk) -> None:
    """Loads up and back, as in use: both directions, reversals, stops, a crawl, every kind of load."""
    boot = {"FOLD_BUS_q10": 1024, "FOLD_HOT_q10": 1024, "HOT_ALLOWED_q10": 1024}
    boot |= {"DIRECTION": 1, "DROP_MASK": fault_mask("drop") & ~JUDGED}
    boot |= {"RAMP_MASK": fault_mask("ramp") & ~JUDGED}
    boot |= {word: setting.default for word, setting in zip(SETTING_WORDS, SETTINGS, strict=True)}
    walk.inputs |= {"BUS_mV": 48_000, "TEMPERATURE_cC": 2_500}
    walk.go(40, 0, boot)
    walk.go(60, 0, walk.load(SLED_40kg) | {"PERMIT": RAISE, "MODE": 1})
    walk.go(900, 1_200, {"MODE": 2})
    walk.go(500, 0)
    walk.go(600, -900)
    walk.go(400, 0)
    walk.go(120, 30)  # a crawl, below one encoder count per tick
    walk.go(100, -30)
    for number, load in enumerate(LOADS.values()):
        other = list(LOADS.values())[number - 1]
        walk.go(150, 1_500, walk.load(load, other) | {"RAISE_mN_per_s": 400_000}, 15_000)
        walk.go(220, -1_300, None, 15_000)
    for _ in range(3):  # rocking at the turn, within the hysteresis and beyond it
        walk.go(35, 150, None, 8_000)
        walk.go(30, -150, None, 8_000)


def stops(walk: Walk) -> None:
    """Every way a load ends: stop, release, e-stop, lapse, and the faults that the tick finds itself."""
    settle = {"PERMIT": RAISE, "FAULTS_CLEAR": 1, "RAISE_mN_per_s": 400_000}
    walk.go(450, 1_300, walk.load(SLED_40kg) | settle, 6_000)
    walk.go(1020, 1_000, {"PERMIT": RAMP, "MODE": 3, "FALL_mN_per_s": 100_000})
    walk.go(20, 1_000, {"PERMIT": DROP, "MODE": 0, "FALL_mN_per_s": 400_000})
    walk.go(120, 1_200, settle)
    walk.go(30, 1_200, {"PERMIT": DROP})
    for given in ({"SWITCHES": 1}, {"SWITCHES": 2}, {"SWITCHES": 12}, {"LATE_us": 2_500}):
        walk.go(60, 1_200, settle)
        walk.go(20, 1_200, {"MODE": 4}, **given)
    walk.go(60, 1_200, settle | {"LEASED": 1, "LEASE_LEFT_ticks": 200})
    walk.go(70, 1_200, {"LEASE_LEFT_ticks": 30})  # lapses
    walk.go(50, 1_200, {"LEASED": 0, "FAULTS_CLEAR": 1})
    walk.is_main_alive = False
    walk.go(130, 1_200)
    walk.is_main_alive = True
    for fault in FAULTS:  # found by the main loop
        walk.go(4, 1_200, settle)
        walk.go(4, 1_200, {"FAULTS_MAIN": 1 << fault.number})
    walk.go(100, 1_200, settle | {"FAULTS_MAIN": 0})
    walk.go(60, 1_200, None, CELL_RAW=0)
    walk.go(60, 1_200, settle, CELL_RAW=65_535)
    walk.go(60, 1_200, settle)
    walk.counts_offset += 5_000  # a jump
    walk.go(30, 1_200)
    walk.go(30, 1_200, settle | {"OVERSPEED_mm_per_s": 500})
    walk.go(300, 1_200, settle | {"OVERSPEED_mm_per_s": 9_000})
    walk.go(40, -1_200, None, 60_000)  # shoved back at full brake
    walk.go(300, 1_200, settle, 20_000)
    for _ in range(5):  # and harder than a sled can be: the observer trips
        walk.counts_offset -= 120
        walk.go(1, 1_200)
    walk.go(60, 0, settle, 60_000)
    walk.go(800, 0, {"ENCODER_SILENT_mN": 20_000}, CELL_RAW=50_000)  # hauled, but nothing turns
    walk.go(20, 0, settle | {"ENCODER_SILENT_mN": 200_000})


def judged(walk: Walk) -> None:
    """Forces, cell and encoder that contradict each other, fold-back of bus and motor, late ticks."""
    masks = {"DROP_MASK": fault_mask("drop"), "RAMP_MASK": fault_mask("ramp")}
    off = {"DROP_MASK": masks["DROP_MASK"] & ~JUDGED, "RAMP_MASK": masks["RAMP_MASK"] & ~JUDGED}
    again = {"PERMIT": RAISE, "FAULTS_CLEAR": 1, "CEILING_mN": 400_000}

    def pull(extra_mN: int, ticks: int, mm_per_s: int = 1_000, mm_per_s2: int = 2_500) -> None:
        force_mN = walk.force_mN
        walk.force_mN += extra_mN
        walk.go(ticks, mm_per_s, None, mm_per_s2)
        walk.force_mN = force_mN

    for sense in (1, -1):
        walk.go(500, sense * 1_000, walk.load(SLED_40kg) | again | off)
        walk.go(60, sense * 1_000, again | masks)
        pull(400_000, 150, sense * 1_000)  # far more resistance than was commanded
        walk.go(300, sense * 1_000, again | off)
        walk.go(2, sense * 1_000, masks | {"FAULTS_CLEAR": 1})
        pull(-300_000, 120, sense * 9_000, 7_000)  # driven on
        walk.go(300, sense * 1_000, again | off, 8_000)
        walk.go(2, sense * 1_000, masks | {"FAULTS_CLEAR": 1})
        pull(-120_000, 250, sense * 1_000)
        walk.go(900, sense * 1_000, again | off)
        for missing_mN in (35_000, -35_000):  # the trim runs to its end
            walk.go(2, sense * 1_000, again | {"TRIM_MAX_mN": 5_000})
            side = "TRIM_mN_q10" if sense > 0 else "TRIM_mN_q10+1"
            trim = -5_100_000 if missing_mN > 0 else 5_100_000
            walk.go(20, sense * 1_000, {"TRIM_END_TICKS": 1_950, side: trim})
            pull(missing_mN, 300, sense * 1_000)
        walk.go(20, sense * 1_000, {"TRIM_MAX_mN": 30_000})
    walk.go(200, 1_000, again)
    for _ in range(3):
        walk.go(60, 1_000)
        walk.go(20, 1_000, None, CELL_RAW=25_000)  # a loose contact
    walk.go(60, 1_000, again)
    walk.go(300, 1_000, None, CELL_RAW=30_000)
    for given in ({"BUS_mV": 56_000}, {"BUS_mV": 48_000}):
        walk.go(100, 1_000, again, **given)
    walk.go(60, 1_000, {"HOT_ALLOWED_q10": 999})
    walk.go(60, 1_000, {"HOT_ALLOWED_q10": 1_024})
    for _ in range(3):
        walk.go(30, 1_000, again)
        walk.go(12, 1_000, None, LATE_us=4_000)
    walk.go(300, 1_000, again | off)
    walk.go(2, 1_000, again)
    for _ in range(60):  # the count runs the other way round
        walk.counts_offset -= 15
        walk.go(1, 1_000)
    walk.go(300, 1_000, again)
    held = walk.inputs["COUNTS"]
    walk.go(30, 1_000, None, COUNTS=held)
    walk.go(300, 1_000, again)


def ends(walk: Walk) -> None:
    """Both ends of everything; with the reactions to faults on and off."""
    masks = {"DROP_MASK": 0, "RAMP_MASK": 0}
    open_wide = {"PERMIT": RAISE, "FAULTS_CLEAR": 1, "CEILING_mN": 1_000_000, "FOLD_BUS_q10": 1_024, **masks}
    for number, (low, high) in enumerate(LOAD_RANGES):
        for value in (high, low):
            load = tuple(value if at == number else SLED_40kg[at] for at in range(len(SLED_40kg)))
            walk.go(12, 2_500, walk.load(load, SLED_40kg), 20_000)
            walk.go(12, 2_500, open_wide, 20_000)
            walk.go(12, -2_500, walk.load(SLED_40kg, load), 20_000)
            walk.go(12, -2_500, open_wide, 20_000)
    most = tuple(high for _, high in LOAD_RANGES)
    walk.go(30, 4_000, walk.load(most) | open_wide, 40_000)
    walk.go(150, -4_000, {"CEILING_mN": 1_000_000, "CAP_GAIN_mN_s_per_m": 2_000_000}, 80_000)
    walk.go(60, 800, walk.load(SLED_40kg) | {"CAP_GAIN_mN_s_per_m": 1_500_000}, 80_000)
    for setting, word in zip(SETTINGS, SETTING_WORDS, strict=True):
        for value in (setting.minimum, setting.maximum):
            walk.go(8, 1_500, {word: value, "CEILING_mN": 500_000}, 9_000)
            walk.go(8, -300, {"PERMIT": RAMP}, 80_000)
            walk.go(2, 1_500, {"PERMIT": RAISE, "FAULTS_CLEAR": 1, word: setting.default}, 40_000)
    for name, (low, high) in INPUTS.items():
        for value in (low, high, low):
            walk.go(3, 500, {"FAULTS_CLEAR": 1, "CEILING_mN": 300_000}, **{name: value})
    for name, value in (
        ("POSITION_um", 2**29 - 2_000),  # wraps forwards, then back
        ("TRAVEL_um", 199_999_000),
        ("PATH_COUNTS", 2**30 - 100),
    ):
        walk.go(12, 2_000, {name: value, "TRAVEL_PEAK_um": 0}, 80_000)
        walk.go(24, -2_000, None, 80_000)
    walk.go(4, 1_500, open_wide | {"BRAKE_mN": 600_000, "BRAKE_FULL_SCALE_mN": 400_000}, 80_000)
    walk.go(1, 1_500, walk.load((900_000, 30_000, 0, 0, 0, 0)) | open_wide, 80_000)
    walk.go(40, 1_500, {"OFFSET_mN": 0, "BRAKE_mN": 399_000}, 80_000)
    walk.go(4, 1_500, {"BRAKE_FULL_SCALE_mN": 800_000}, 80_000)
    walk.go(4, 1_500, {"PERMIT": RAMP, "FORCE_MAX_mN": 100_000}, 80_000)
    walk.go(4, 1_500, {"PERMIT": RAISE, "FORCE_MAX_mN": 800_000}, 80_000)
    walk.go(40, 1_500, open_wide, 80_000)
    walk.go(160, 300, open_wide, 80_000)
    walk.go(1, 300, open_wide | {"INJECTED_64nJ": 15_620_000})
    for _ in range(4):
        walk.go(1, -200, {"BRAKE_mN": 600_000}, 500_000)
    walk.go(
        1,
        -200,
        {"BRAKE_mN": 600_000, "HEADING": 1, "PERMIT": DROP, "ENCODER_JUMP_counts": 500},
        500_000,
        COUNTS=walk.inputs["COUNTS"] - 480,
    )
    walk.go(60, 1_500, open_wide, 80_000)
    walk.go(60, 1_500, open_wide, 80_000, CELL_RAW=100)
    walk.go(1_200, 0, open_wide, 80_000)
    walk.go(300, 1_500, walk.load(LOADS["force"]) | open_wide, 20_000)
    walk.go(4, 1_500, {"FORCE_MAX_mN": 0})  # while the brake is on
    walk.go(4, 1_500, {"FORCE_MAX_mN": 800_000, "TRIM_mN_q10": 90_000, "TRIM_MAX_mN": 0})
    walk.go(4, 1_500, {"TRIM_MAX_mN": 30_000})
    for step, ticks in ((480, 12), (-480, 24), (480, 12)):  # the fastest that counts can say
        for _ in range(ticks):
            walk.counts_offset += step
            fast = {"um_PER_1024_COUNTS": 1_000_000, "ENCODER_JUMP_counts": 500}
            if ticks == 24:
                fast["VELOCITY_mm_per_s_q10"] = -30_730_000
            elif step > 0:
                fast["VELOCITY_mm_per_s_q10"] = 30_730_000
            walk.go(1, 0, walk.load(LOADS["capped"]) | open_wide | fast, 80_000)
    walk.go(40, 0, {"um_PER_1024_COUNTS": 129_589, "ENCODER_JUMP_counts": 150})
    walk.counts_offset += 2**29 - walk.inputs["COUNTS"] - 30
    walk.go(60, 1_500, {"ENCODER_JUMP_counts": 500}, 80_000)
    walk.go(60, -1_500, {"ENCODER_JUMP_counts": 150}, 80_000)


def drawn(walk: Walk) -> None:
    """What nobody thought of: words, inputs and speeds drawn from their whole ranges."""
    draw = walk.draw
    for _ in range(900):
        pokes = {}
        if draw.chance(3):
            number = draw.between(0, len(SETTINGS) - 1)
            setting = SETTINGS[number]
            value = setting.default if draw.chance(2) else draw.between(setting.minimum, setting.maximum)
            pokes[SETTING_WORDS[number]] = value
        if draw.chance(12):
            pull, push = (tuple(draw.between(*LOAD_RANGES[n]) // 4 for n in range(6)) for _ in range(2))
            pokes |= walk.load(pull, push)
        if draw.chance(6):
            pokes["PERMIT"] = (RAISE, RAISE, RAMP, DROP)[draw.between(0, 3)]
        if draw.chance(5):
            pokes["FAULTS_CLEAR"] = 1
        if draw.chance(25):
            pokes["CEILING_mN"] = draw.between(0, 1_000_000)
        if draw.chance(40):
            pokes["RAMP_MASK"] = fault_mask("ramp") * draw.between(0, 1)
        given = {}
        if draw.chance(10):
            name = list(INPUTS)[draw.between(1, len(INPUTS) - 1)]
            given[name] = draw.between(*INPUTS[name])
        if draw.chance(20):
            walk.counts_offset += draw.between(-600, 600)
        walk.go(1, draw.between(-4, 4) * 700, pokes, draw.between(1, 80) * 1_000, **given)


def stimulus() -> str:
    """The whole file."""
    walk = Walk()
    for part in (training, stops, judged, ends, drawn):
        part(walk)
    return "\n".join([",".join([*INPUTS, "set before the tick"]), *walk.rows, ""])


def main(arguments: list[str]) -> int:
    text = stimulus()
    if arguments == ["--check"]:
        if STIMULUS.exists() and STIMULUS.read_text(encoding="ascii") == text:
            return 0
        print(f"{STIMULUS.name} is not what make_stimulus.py makes; run `make generate`", file=sys.stderr)
        return 1
    STIMULUS.write_text(text, encoding="ascii", newline="\n")
    print(f"wrote {STIMULUS.name}: {text.count(chr(10)) - 1} ticks")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
