"""The generated files are what the tables say, and the layout hash changes when, and only when, it must."""

import subprocess
import sys

import pytest

from device.sled import layout as device_layout
from protocol import codes, generate, layout, messages, shapes
from protocol.quantities import QUANTITIES
from protocol.settings import SETTINGS
from tests.protocol.drawing import as_construct
from tests.protocol.test_wire import zeros

PATHS = sorted(generate.generated())


def test_no_generated_file_is_stale():
    checked = subprocess.run(
        [sys.executable, "-m", "protocol.generate", "--check"],
        cwd=generate.ROOT,
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("path", PATHS)
def test_a_stale_or_missing_file_is_named_with_the_command(path, tmp_path, capsys):
    assert generate.main([], root=tmp_path) == 0
    assert generate.main(["--check"], root=tmp_path) == 0
    capsys.readouterr()
    for spoil in (lambda file: file.write_bytes(file.read_bytes() + b"#"), lambda file: file.unlink()):
        spoil(tmp_path / path)
        assert generate.main(["--check"], root=tmp_path) == 1
        said = capsys.readouterr().err
        assert path in said and "make generate" in said and said.count("\n") == 1
    assert generate.main([], root=tmp_path) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert generate.main(["--check"], root=tmp_path) == 0


def test_checking_writes_nothing(tmp_path, capsys):
    assert generate.main(["--check"], root=tmp_path) == 1
    assert capsys.readouterr().err.count("make generate") == len(PATHS)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_bad_usage(tmp_path, capsys):
    assert generate.main(["--chekc"], root=tmp_path) == 2
    assert "usage" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def body_fields():
    """(message, path) of every field that stands directly in a body, and of every nested group."""
    for message in messages.MESSAGES:
        for named in message.body.subcons:
            yield pytest.param(message, named.name, id=f"{message.name}.{named.name}")


@pytest.mark.parametrize(("message", "name"), list(body_fields()))
def test_the_device_s_offsets_are_where_construct_puts_the_bytes(message, name):
    blank = zeros(message.body)
    if name in ("pull", "push"):
        marked = dict.fromkeys(blank[name], -1)
    elif name == "samples":
        marked = [(-1, -1, -1, -1, -1, 0xFFFF)]
    elif name == "unique_id":
        marked = b"\xff" * layout.UNIQUE_ID_BYTES
    else:
        marked = -1 if QUANTITIES[name].wire.startswith("i") else (1 << 8 * wire_size(name)) - 1
    plain = message.body.build(as_construct(blank))
    built = message.body.build(as_construct({**blank, name: marked}))
    offset = len(plain) if name == "samples" else next(i for i, b in enumerate(built) if b != plain[i])
    constant = generate.constant_name("OFF", message.name, name)
    assert getattr(device_layout, constant) == layout.HEADER_BYTES + offset
    assert getattr(device_layout, f"SIZE_{message.name}") == len(plain)
    assert getattr(device_layout, f"KIND_{message.name}") == message.kind == layout.KINDS[message.name]


def wire_size(name):
    return int(QUANTITIES[name].wire[1:]) // 8


@pytest.mark.parametrize(
    ("prefix", "rows"),
    [
        ("RESULT", codes.RESULTS),
        ("MODE", codes.MODES),
        ("HOLD", codes.HOLDS),
        ("STOP", codes.STOPS),
        ("RESET", codes.RESETS),
        ("LIMIT", codes.LIMITS),
        ("FAULT", codes.FAULTS),
    ],
)
def test_the_device_knows_every_code_by_its_number(prefix, rows):
    for row in rows:
        assert getattr(device_layout, f"{prefix}_{row.name.upper()}") == row.number


def test_the_device_knows_every_fault_s_reaction():
    for fault in codes.FAULTS:
        assert bool(device_layout.FAULT_DROP_MASK >> fault.number & 1) == (fault.reaction == "drop")
        assert bool(device_layout.FAULT_RAMP_MASK >> fault.number & 1) == (fault.reaction == "ramp")


def test_the_device_knows_every_setting_and_the_range_of_every_load():
    rows = tuple((setting.default, setting.minimum, setting.maximum) for setting in SETTINGS)
    assert rows == device_layout.SETTINGS
    maxima = tuple(QUANTITIES[named.name].maximum for named in messages.LOAD.subcons)
    assert maxima == device_layout.LOAD_MAXIMA


def test_both_layouts_carry_the_hash_of_the_tables():
    assert shapes.layout_hash() == layout.LAYOUT_HASH
    assert shapes.layout_hash().to_bytes(4, "little") == device_layout.LAYOUT_HASH_BYTES


def test_the_reference_names_every_field_code_fault_and_setting():
    page = (generate.ROOT / "protocol" / "MESSAGES.md").read_text(encoding="utf-8")
    for message in messages.MESSAGES:
        assert f"### 0x{message.kind:02X} {message.name}\n" in page
        assert message.doc in page
    for item in shapes.SHAPES:
        for field in item.fields:
            assert f"`{field.path[-1]}`" in page
            assert not field.quantity or field.quantity.doc in page
    for rows in shapes.CODE_TABLES.values():
        for row in rows:
            assert f"| {row.number} | {row.name} |" in page
            assert row.sentence in page
    for fault in codes.FAULTS:
        assert f"| {fault.reaction}: " in page and fault.clears in page
    for setting in SETTINGS:
        values = f"| {setting.default} | {setting.minimum} | {setting.maximum} | {setting.doc} |"
        assert f"| {setting.number} | `{setting.name}` {values}" in page


def replaced(rows, index, **changes):
    rows = list(rows)
    rows[index] = rows[index]._replace(**changes)
    return tuple(rows)


def with_field(**changes):
    """The shapes with the first field of SET_LOAD changed."""
    item = shapes.SHAPES[3]
    return replaced(shapes.SHAPES, 3, fields=replaced(item.fields, 0, **changes))


def with_quantity(**changes):
    return with_field(quantity=shapes.SHAPES[3].fields[0].quantity._replace(**changes))


def with_message(**changes):
    return replaced(shapes.SHAPES, 3, message=shapes.SHAPES[3].message._replace(**changes))


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("SHAPES", with_field(path=("command_number",))),
        ("SHAPES", with_field(offset=1)),
        ("SHAPES", with_quantity(wire="u32")),
        ("SHAPES", with_quantity(scale=0.5)),
        ("SHAPES", with_message(kind=0x44)),
        ("SHAPES", with_message(name="PUT_LOAD")),
        ("SHAPES", with_message(to_device=False)),
        ("SHAPES", shapes.SHAPES[:-1]),
        ("SETTINGS", replaced(SETTINGS, 2, name="rolling_mN_s_per_mm")),
        (
            "SETTINGS",
            (*SETTINGS[:2], SETTINGS[3]._replace(number=2), SETTINGS[2]._replace(number=3), *SETTINGS[4:]),
        ),
        ("CODE_TABLES", {**shapes.CODE_TABLES, "fault": replaced(codes.FAULTS, 4, number=30)}),
        ("CODE_TABLES", {**shapes.CODE_TABLES, "result": replaced(codes.RESULTS, 1, name="CLIPPED")}),
    ],
)
def test_what_two_programs_must_agree_on_changes_the_hash(table, changed, monkeypatch):
    before = shapes.layout_hash()
    monkeypatch.setattr(shapes, table, changed)
    assert shapes.layout_hash() != before


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("SHAPES", with_quantity(doc="better said", maximum=7)),
        ("SHAPES", with_message(doc="better said")),
        ("SETTINGS", replaced(SETTINGS, 2, default=5, doc="better said")),
        ("CODE_TABLES", {**shapes.CODE_TABLES, "fault": replaced(codes.FAULTS, 4, sentence="Better said.")}),
    ],
)
def test_a_better_sentence_or_default_keeps_the_hash(table, changed, monkeypatch):
    before = shapes.layout_hash()
    monkeypatch.setattr(shapes, table, changed)
    assert shapes.layout_hash() == before


def test_a_number_too_big_for_the_chip_stops_the_generator(monkeypatch):
    monkeypatch.setattr(generate, "SETTINGS", replaced(SETTINGS, 0, maximum=2**30))
    with pytest.raises(ValueError, match="small integers"):
        generate.device_layout()
