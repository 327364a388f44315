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
    "athlete",
    [
        Athlete(),
        Athlete(80.0),
        Athlete(79.832, "turf"),
        Athlete(None, "grass"),
        Athlete(None, None, "Ann Lee"),
        Athlete(80.0, "turf", 'Zoë "the \\sled\\" Müller # 1 = \' 😀'),
    ],
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
        "name = 3",
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


@pytest.mark.parametrize("text", ["", "  ", "\x7f", "a\0b", "x" * 81, "a\udc80"])
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="letters that can be printed") as caught:
        config.parse_name(text)
    assert "host athlete --name" in caught.value.hint


def test_a_name_is_kept_without_blanks_around_it() -> None:
    assert config.parse_name("  Ann\t Lee\n") == "Ann Lee"


def test_a_file_of_before_there_were_names_is_read(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.toml").write_text('body_mass_kg = 80.0\nsurface = "turf"\n')
    assert config.read() == Athlete(80.0, "turf")


def test_recordings_have_a_folder_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLED_DATA_DIR", str(tmp_path / "here"))
    assert config.data_folder() == str(tmp_path / "here")
    monkeypatch.delenv("SLED_DATA_DIR")
    for platform, variable in (("win32", "LOCALAPPDATA"), ("linux", "XDG_DATA_HOME")):
        monkeypatch.setattr(config.sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path))
        assert config.data_folder() == os.path.join(str(tmp_path), "sled")
    monkeypatch.setattr(config.sys, "platform", "darwin")
    assert os.path.join("Library", "Application Support", "sled") in config.data_folder()
