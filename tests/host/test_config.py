"""The user's file: read strictly, written whole, found where it belongs."""

import os
from pathlib import Path

import pytest

from host import config
from host.config import Athlete
from host.errors import BadValue


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLED_CONFIG_DIR", str(tmp_path / "sled"))
    return tmp_path / "sled"


def test_without_a_file_nothing_is_known() -> None:
    assert config.read() == Athlete()


@pytest.mark.parametrize(
    "athlete", [Athlete(), Athlete(80.0), Athlete(79.832, "turf"), Athlete(None, "grass")]
)
def test_what_is_written_is_read_back(athlete: Athlete) -> None:
    config.write(athlete)
    assert config.read() == athlete


@pytest.mark.parametrize(
    "text",
    [
        "body_mass_kg = 'heavy'",
        "body_mass_kg = 8000",
        "body_mass_kg = nan",
        "body_mass_kg = true",
        "surface = 3",
        "bodymass = 80",
        "this is not TOML",
        'surface = "\xff"',
    ],
)
def test_a_damaged_file_is_named_with_the_way_to_mend_it(text: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "config.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadValue) as caught:
        config.read()
    assert str(folder) in caught.value.sentence and "host athlete" in caught.value.hint


def test_a_crash_while_writing_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write(Athlete(80.0, "turf"))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        config.write(Athlete(90.0, "grass"))
    assert config.read() == Athlete(80.0, "turf")
    assert os.listdir(folder) == ["config.toml"]


def test_a_folder_that_cannot_be_made_is_an_error_with_its_reason(folder: Path) -> None:
    folder.write_text("a file stands in the way")
    with pytest.raises(BadValue, match="cannot write"):
        config.write(Athlete(80.0))


def test_without_a_folder_of_its_own_it_is_where_the_platform_keeps_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SLED_CONFIG_DIR")
    monkeypatch.setenv("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", str(tmp_path))
    assert Path(config.path()) == tmp_path / "sled" / "config.toml"
