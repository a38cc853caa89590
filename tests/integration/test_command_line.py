"""A bad call ends in one clear line and a non-zero exit code, and changes nothing."""

import os
import re
import socket
import subprocess
import sys

import pytest

from tests.support.project import run_main, user_environment
from warehouse.base.paths import PROJECT_DIR
from warehouse.cli.main import COMMANDS as MODULES
from warehouse.cli.main import main, read_options

COMMANDS = tuple(module.__name__.rpartition(".")[2].replace("_", "-") for module in MODULES)


def clear_line(code: int, output: str, errors: str) -> str:
    """Check that a call failed with one clear line, and return it."""
    assert code != 0
    lines = [line for line in errors.splitlines() if line.strip()]
    assert sum("error:" in line for line in lines) == 1
    assert "Traceback" not in errors + output
    return lines[-1]


@pytest.fixture
def refusal(capsys):
    """Return the line with which main.py refuses its arguments."""

    def call(*arguments: object) -> str:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        return clear_line(code, *capsys.readouterr())

    return call


def test_help_explains_every_option(capsys):
    for command in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as end:
            read_options([*command, "--help"])
        assert end.value.code == 0
        page = capsys.readouterr().out.partition("options:")[2]
        options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", page, re.MULTILINE)
        assert "--datamart-dir" in options or command == ["new-source"]  # it works on none
        for option in options:
            assert re.search(rf"{option}( \S+)*\s{{2,}}\w", page), option


def test_reader_that_goes_away_does_not_stop_or_hang_a_run(datamart):
    command = f"{sys.executable} main.py --datamart-dir '{datamart}' | head -1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=PROJECT_DIR,
        env=user_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such-option"], ["--no-such-option"]),
        (["explane"], ["COMMAND", "explane", *COMMANDS]),
        *((["--memory-limit", size], ["--memory-limit", size]) for size in ("5", "500MB", "lots")),
        *((["--as-of", day], [day, "YYYY-MM-DD"]) for day in ("yesterday", "2023-02-30", "5/1/23")),
        *(
            (["--known-at", moment], [moment, "YYYY-MM-DDTHH:MM:SS"])
            for moment in ("now", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00")
        ),
        # a shell variable that is not set: it is no name of the folder one is in
        *(([option, ""], [option, "empty"]) for option in ("--data-dir", "--datamart-dir")),
    ],
    ids=lambda value: " ".join(value),
)
def test_invalid_arguments_give_one_line_error(refusal, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = refusal(*arguments)
    assert all(word in line for word in words), line
    assert list(tmp_path.iterdir()) == []


def test_data_folder_that_is_not_there_is_refused(tmp_path):
    done = run_main("--data-dir", tmp_path / "none", "--datamart-dir", tmp_path / "mart")
    line = clear_line(done.returncode, done.stdout, done.stderr)
    assert f"data folder {tmp_path / 'none'} does not exist" in line and "--data-dir" in line


@pytest.mark.parametrize("name", ["um läut", "quo'te", "#1", "(a) & b"])
def test_file_that_breaks_its_contract_is_refused_in_folders_of_any_name(
    tmp_path, small_data, refusal, name
):
    data, mart = small_data.rename(tmp_path / name), tmp_path / f"mart {name}"
    file = data / "features_attributes.csv"
    good = file.read_bytes()
    for content, words in (
        (None, ["there is no such file"]),
        (b"", ["empty"]),
        (good.replace(b"Occupation", b"Job", 1), ["Occupation", "Job"]),
        (b"PK\x03\x04" + os.urandom(1000), ["zip"]),
    ):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        line = refusal("--data-dir", data, "--datamart-dir", mart)
        assert all(word in line for word in (str(file), *words)), line
    assert not list(mart.rglob("*.parquet"))


def test_datamart_that_is_a_file_is_refused(tmp_path, refusal):
    mart = tmp_path / "mart"
    mart.write_text("not a folder")
    assert str(mart) in refusal("--datamart-dir", mart)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="this user may write into any folder"
)
def test_datamart_that_cannot_be_written_is_refused(tmp_path, refusal):
    mart = tmp_path / "mart"
    mart.mkdir(mode=0o500)
    assert str(mart) in refusal("--datamart-dir", mart)


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "any"],
        ["features", "--spine", "spine.csv", "--out", "out.csv"],
        ["prove"],
        ["docs", "--to", "page.html"],
    ],
    ids=lambda command: command[0],
)
def test_datamart_that_cannot_be_read_is_one_line_too(tmp_path, refusal, command):
    """A name too long for any system, which not even root can look at."""
    mart = tmp_path / ("mart" * 100)
    assert str(mart) in refusal(*command, "--datamart-dir", mart)


def test_port_that_is_taken_gives_one_line_error(tmp_path, refusal, monkeypatch):
    for server_class in ("lab.subprocess.Popen", "docs.ThreadingHTTPServer"):
        monkeypatch.setattr(f"warehouse.notebook.{server_class}", None)  # else it serves for ever
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for command in ("lab", "docs"):
            line = refusal(command, "--datamart-dir", tmp_path, "--port", port)
            assert str(port) in line and "--port" in line


def test_damaged_file_of_a_datamart_gives_one_line_error(datamart, refusal):
    for file in ("gold/feature_store.parquet", "compiled.json"):
        path = (datamart / "current").resolve() / file
        good = path.read_bytes()
        path.write_bytes(b"{")
        assert path.name in refusal("explain", "any", "--datamart-dir", datamart)
        path.write_bytes(good)


def test_refused_call_leaves_the_published_datamart_as_it_was(datamart, data_dir, refusal):
    before = (datamart / "current").resolve()
    (data_dir / "features_financials.csv").write_text("")
    assert "empty" in refusal("--data-dir", data_dir, "--datamart-dir", datamart)
    assert (datamart / "current").resolve() == before
