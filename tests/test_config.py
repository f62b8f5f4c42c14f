"""Settings and paths: a typo gets a suggestion, a file is written whole and private or not at all."""

from __future__ import annotations

import os
import stat
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmptui import config
from kmptui.config import Paths, Settings, load_settings, make_private_folder, parse_setting, save_settings
from kmptui.errors import SettingsError


@pytest.fixture
def careless():
    """The most careless umask there is."""
    former = os.umask(0)
    yield
    os.umask(former)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _settings(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_no_file_means_the_defaults(tmp_path):
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_a_pipe_in_their_place_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "settings.toml", 0o600)
    with pytest.raises(SettingsError, match="no regular file"):
        load_settings(tmp_path / "settings.toml")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_anothers_file_is_not_read(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("concurrency = 4\n")
    os.chown(path, 12345, -1)
    with pytest.raises(SettingsError, match="another user"):
        load_settings(path)


def test_members_are_read(tmp_path):
    found = _settings(tmp_path, 'theme = "light"\nconcurrency = 4\n[keys]\n"orders.renew" = "R"\n')
    assert found == Settings(theme="light", concurrency=4, keys={"orders.renew": "R"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurency = 4", "Did you mean concurrency"),
        ("zzz = 1", "Known are: theme"),
        ('concurrency = "4"', "a whole number"),
        ("concurrency = true", "a whole number"),
        ("read_only = 1", "true or false"),
        ("theme = 7", "a text"),
        ('theme = "pink"', "dark or light"),
        ("concurrency = 17", "1 to 16"),
        ("certificate_limit = -1", "0 to 1,000,000"),
        ("certificate_limit = 1000001", "0 to 1,000,000"),
        ("keys = 3", "a table"),
        ("[keys]\na = 1", "a table of texts"),
        ("theme = ", "not valid TOML"),
        ("theme = 'dark'\ntheme = 'dark'", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_cure(tmp_path, text, words):
    with pytest.raises(SettingsError, match=words) as caught:
        _settings(tmp_path, text)
    assert "settings.toml" in str(caught.value)


def test_an_unreadable_file_is_no_file_of_defaults(tmp_path):
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "settings.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("theme", "light", "light"),
        ("read_only", "Yes", True),
        ("mouse", "off", False),
        ("concurrency", "4", 4),
        ("proxy", "http://proxy.example:3128", "http://proxy.example:3128"),
    ],
)
def test_a_typed_value_is_read(name, text, value):
    assert parse_setting(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("concurrency", "many", "whole number"),
        ("concurrency", "0", "1 to 16"),
        ("mouse", "perhaps", "true or false"),
        ("certificate_limt", "5", "Did you mean certificate_limit"),
        ("keys", "x", "no setting"),
        ("theme", "pink", "dark or light"),
        ("ca_file", "a\udcff", "no UTF-8"),
    ],
)
def test_a_wrong_typed_value_is_refused(name, text, words):
    with pytest.raises(SettingsError, match=words):
        parse_setting(name, text)


def test_every_setting_has_its_sentence():
    assert all(member.metadata["doc"].endswith(".") for member in fields(Settings))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.builds(
        Settings,
        theme=st.sampled_from(["dark", "light"]),
        read_only=st.booleans(),
        certificate_limit=st.integers(0, 1_000_000),
        concurrency=st.integers(1, 16),
        proxy=TEXTS,
        ca_file=TEXTS,
        lock_after_minutes=st.integers(0, 1440),
        keys=st.dictionaries(TEXTS, TEXTS, max_size=3),
    )
)
def test_what_is_saved_is_read_again(tmp_path, wanted):
    path = tmp_path / "settings.toml"
    save_settings(path, wanted)
    assert load_settings(path) == wanted


@pytest.mark.usefixtures("careless")
def test_files_and_folders_are_private_whatever_the_umask(tmp_path):
    path = tmp_path / "home" / "settings.toml"
    save_settings(path, Settings(concurrency=3))
    assert _mode(path) == 0o600
    assert _mode(path.parent) == 0o700
    path.chmod(0o644)
    save_settings(path, Settings(concurrency=4))
    assert _mode(path) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["settings.toml"]


def test_a_folder_that_others_could_read_is_closed(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    make_private_folder(home)
    assert _mode(home) == 0o700


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    save_settings(path, Settings(concurrency=3))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(config.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_settings(path, Settings(concurrency=4))
    assert load_settings(path) == Settings(concurrency=3)
    assert [found.name for found in tmp_path.iterdir()] == ["settings.toml"]


def test_a_place_that_is_no_folder_is_said_with_the_cure(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="KMPTUI_HOME"):
        make_private_folder(tmp_path / "file")
    with pytest.raises(SettingsError, match="KMPTUI_HOME"):
        make_private_folder(tmp_path / "file" / "below")


def test_a_home_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(config.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SettingsError, match="another user"):
        make_private_folder(tmp_path)


def test_all_paths_lie_under_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KMPTUI_HOME", str(tmp_path))
    found = Paths.from_environment()
    assert found.home == tmp_path
    for path in (found.settings, found.store, found.key_file, found.log, found.exports, found.holders):
        assert path.is_relative_to(tmp_path)
    monkeypatch.setenv("KMPTUI_HOME", "~/kmptui-home")
    assert Paths.from_environment().home == Path("~/kmptui-home").expanduser()
    monkeypatch.delenv("KMPTUI_HOME")
    assert Paths.from_environment().home.name == "kmptui"


def test_settings_are_values():
    assert replace(Settings(), concurrency=2) != Settings()


def test_no_home_is_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("KMPTUI_HOME", "~nobody-of-that-name/home")
    with pytest.raises(SettingsError, match="Set KMPTUI_HOME"):
        Paths.from_environment()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("KMPTUI_HOME", "here")
    with pytest.raises(SettingsError, match="no folder"):
        Paths.from_environment()


def test_a_file_in_the_place_of_a_folder_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is no folder"):
        make_private_folder(tmp_path / "file")


def test_a_user_that_is_not_there_is_no_user(tmp_path, monkeypatch):
    """A path typed by a person must not end the program."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.meant("~/x.pem") == tmp_path / "x.pem"
    assert config.meant("~nobody-of-that-name/x.pem") == Path("~nobody-of-that-name/x.pem")
