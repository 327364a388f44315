"""What is copied where, and in which order, worked out from what lies on a board."""

import hashlib
from pathlib import Path

import pytest

from host.errors import FileError
from host.flashing import build
from host.flashing.build import Build, build_id, sha256
from host.flashing.plan import Contents, is_whole, plan, read_slot

OLD = Build({"boot.py": b"1", "main.py": b"2", "sled/app.mpy": b"old", "sled/tick.mpy": b"same"}, True)
NEW = Build({**OLD.files, "sled/app.mpy": b"new"}, True)


def contents(slot: str | None, **slots: Build | None) -> Contents:
    """A board whose slots hold these builds, with the start files of `OLD`."""
    files = {name: OLD.files[name] for name in ("boot.py", "main.py")}
    for name, made in slots.items():
        if made:
            files |= {f"{name}/{path}": content for path, content in made.files.items()}
            files[f"{name}/MANIFEST"] = made.manifest
    if slot is not None:
        files["slot"] = slot.encode()
    return found(files)


def found(files: dict[str, bytes]) -> Contents:
    texts = {path: files[path].decode() for path in ("slot", "a/MANIFEST", "b/MANIFEST") if path in files}
    return Contents({path: sha256(content) for path, content in files.items()}, texts)


def test_the_manifest_is_what_sha256sum_writes_and_names_the_build() -> None:
    lines = OLD.manifest.decode().splitlines()
    assert [line[66:] for line in lines] == sorted(OLD.files)
    assert lines[2] == f"{hashlib.sha256(b'old').hexdigest()}  sled/app.mpy"
    assert OLD.manifest.endswith(b"\n")
    digest = hashlib.sha256(OLD.manifest).digest()
    assert OLD.build_id == build_id(OLD.manifest) == int.from_bytes(digest[:4], "little")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", ("a", None)), ("b\n", ("b", None)), ("a b3", ("a", "b")), ("b a1\n", ("b", "a")),
     ("a b0", ("a", None)), ("", ("a", None)), (None, ("a", None)), ("\0\0", ("a", None))],
)  # fmt: skip
def test_the_slot_file_is_read_as_main_py_reads_it(
    text: str | None, expected: tuple[str, str | None]
) -> None:
    assert read_slot(text) == expected


def test_a_slot_is_whole_if_each_file_of_its_manifest_is_right() -> None:
    there = contents("a", a=OLD)
    assert is_whole("a", there) and not is_whole("b", there)
    for path in OLD.files:
        assert not is_whole("a", there._replace(hashes={**there.hashes, f"a/{path}": "0"})), path
    assert not is_whole("a", there._replace(texts={"a/MANIFEST": ""}))


def test_a_bare_board_gets_slot_a_without_a_trial() -> None:
    steps = plan(OLD, found({}))
    assert list(steps.files) == [*(f"a/{name}" for name in sorted(OLD.files)), "a/MANIFEST",
                                 "boot.py", "main.py", "slot"]  # fmt: skip
    assert steps.start["slot"] == b"a\n"
    assert steps.keeper is None and not steps.removed_first and not steps.removed_last


def test_nothing_is_done_to_a_board_that_has_it_all() -> None:
    assert plan(OLD, contents("a", a=OLD)).is_empty
    assert plan(OLD, contents("b", a=None, b=OLD)).is_empty
    assert plan(NEW, contents("a b2", a=OLD, b=NEW)).is_empty, "it is on trial already"


def test_an_update_goes_into_the_other_slot_whose_manifest_goes_first_and_comes_last() -> None:
    steps = plan(NEW, contents("a", a=OLD, b=OLD))
    assert steps.removed_first == ["b/MANIFEST"]
    assert list(steps.files) == ["b/sled/app.mpy", "b/MANIFEST", "slot"]
    assert steps.start["slot"] == b"a b3\n" and steps.keeper == "a"
    assert plan(NEW, contents("b", a=OLD, b=OLD)).start["slot"] == b"b a3\n"


def test_what_lies_on_the_board_already_is_not_sent() -> None:
    steps = plan(NEW, contents("a", a=OLD))
    assert set(steps.sent) == {"b/sled/app.mpy", "b/MANIFEST", "slot"}
    assert steps.copies["b/sled/tick.mpy"] == "a/sled/tick.mpy"


def test_the_slot_that_is_not_whole_is_the_one_that_is_written() -> None:
    there = contents("b", a=OLD, b=OLD)
    broken = there._replace(hashes={**there.hashes, "b/sled/app.mpy": "0"})
    steps = plan(NEW, broken)
    assert steps.keeper == "a" and steps.slot == "b", "the board lives from a"
    assert plan(NEW, contents(None, a=OLD)).keeper == "a", "as main.py takes a missing file"


def test_a_build_that_failed_its_trial_gets_another_one() -> None:
    steps = plan(NEW, contents("a b0", a=OLD, b=NEW))
    assert steps.files == {"slot": b"a b3\n"} and not steps.removed_first


def test_going_back_to_what_is_good_ends_a_trial() -> None:
    assert plan(OLD, contents("a b2", a=OLD, b=NEW)).files == {"slot": b"a\n"}


def test_strays_of_the_slot_that_is_written_go_first_and_the_old_layout_last() -> None:
    there = contents("a", a=OLD, b=OLD)
    more = {"b/sled/gone.mpy": "0", "b/sled/app.mpy.new": "0", "a/sled/mine.py": "0", "sled/app.mpy": "0"}
    unfinished = {"slot.new": "0", "boot.py.new": "0"}
    steps = plan(NEW, there._replace(hashes={**there.hashes, **more, **unfinished}))
    assert steps.removed_first == ["b/MANIFEST", "b/sled/app.mpy.new", "b/sled/gone.mpy"]
    assert steps.removed_last == ["boot.py.new", "sled/app.mpy"], "slot.new becomes slot"


def test_settings_are_never_touched() -> None:
    there = contents("a", a=OLD)
    steps = plan(NEW, there._replace(hashes={**there.hashes, "settings.0": "0", "settings.1": "0"}))
    assert not [
        path for path in (*steps.files, *steps.removed_first, *steps.removed_last) if "settings" in path
    ]


@pytest.fixture(scope="module")
def firmware() -> Path:
    return build.firmware_folder()


def test_the_firmware_compiles_to_the_same_build_wherever_it_lies(firmware: Path, tmp_path: Path) -> None:
    for path in [*firmware.glob("*.py"), *(firmware / "sled").glob("*.py")]:
        copy = tmp_path / path.relative_to(firmware)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    made = build.build_for(0x1206, firmware)
    assert made.is_compiled and made.files["sled/tick.mpy"][:2] == b"M\x06"
    assert build.build_for(0x1206, tmp_path) == made, "line ends and folders are not in it"
    assert made.build_id in build.build_ids(firmware)
    assert set(made.files) >= {"boot.py", "main.py", "sled/app.mpy", "sled/board_rp2040.mpy"}
    assert "sled/cpython.mpy" not in made.files


def test_each_format_of_compiled_files_gets_its_own_and_an_unknown_one_the_sources(firmware: Path) -> None:
    assert build.build_for(0x1206, firmware).files != build.build_for(0x1306, firmware).files
    made = build.build_for(0x1007, firmware)
    assert not made.is_compiled and "sled/app.py" in made.files


def test_a_folder_without_firmware_and_one_that_does_not_compile_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no firmware"):
        build.build_for(0x1206, tmp_path)
    (tmp_path / "sled").mkdir()
    (tmp_path / "sled" / "app.py").write_text("def\n")
    for name in ("boot.py", "main.py"):
        (tmp_path / name).write_text("")
    with pytest.raises(FileError, match=r"does not compile .*app.py.*SyntaxError"):
        build.build_for(0x1206, tmp_path)
