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
from warehouse.cli.main import read_options

COMMANDS = tuple(module.__name__.rpartition(".")[2].replace("_", "-") for module in MODULES)
ON_A_DATAMART = {
    "explain": ["explain", "any"],
    "features": ["features", "--spine", "spine.csv", "--out", "out.csv"],
    "prove": ["prove"],
    "docs": ["docs", "--to", "page.html"],
}


def assert_one_clear_line(result, *words):
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    message = lines[-1]
    assert "Traceback" not in result.stderr + result.stdout
    assert sum("error:" in line for line in lines) == 1
    for word in words:
        assert word in message, message


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


@pytest.mark.parametrize("command", ["lab", "docs"])
def test_port_that_is_taken_is_one_line(datamart, command):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run_main(command, "--datamart-dir", datamart, "--port", port)
    assert_one_clear_line(result, str(port), "--port")
    assert "ready" not in result.stdout


def test_an_unknown_option_is_refused(tmp_path):
    assert_one_clear_line(run_main("--no-such-option"), "--no-such-option")


@pytest.mark.parametrize("size", ["5", "500MB", "lots"])
def test_a_limit_of_memory_that_cannot_be_kept_is_refused(size):
    assert_one_clear_line(run_main("--memory-limit", size), "--memory-limit", size)


@pytest.mark.parametrize("value", ["yesterday", "2023-02-30", "5/1/23"])
def test_a_wrong_date_is_refused(value):
    assert_one_clear_line(run_main("--as-of", value), value, "YYYY-MM-DD")


@pytest.mark.parametrize("value", ["now", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"])
def test_a_wrong_moment_is_refused(value):
    assert_one_clear_line(run_main("--known-at", value), value, "YYYY-MM-DDTHH:MM:SS")


@pytest.mark.parametrize("option", ["--data-dir", "--datamart-dir"])
def test_an_empty_path_is_refused_and_nothing_is_made_where_one_is(tmp_path, option):
    """The path of a shell variable that is not set; it is no name of the folder one is in."""
    before = sorted(PROJECT_DIR.iterdir())
    assert_one_clear_line(run_main(option, ""), option, "empty")
    assert sorted(PROJECT_DIR.iterdir()) == before


def test_an_unknown_command_is_refused_and_the_known_ones_are_named():
    assert_one_clear_line(run_main("explane"), "COMMAND", "explane", *COMMANDS)


def test_a_data_folder_that_is_not_there_is_refused(tmp_path):
    result = run_main("--data-dir", tmp_path / "none", "--datamart-dir", tmp_path / "mart")
    assert_one_clear_line(result, f"data folder {tmp_path / 'none'} does not exist", "--data-dir")


def test_a_missing_file_is_refused_and_named(tmp_path, data_dir):
    (data_dir / "lms_loan_daily.csv").unlink()
    result = run_main("--data-dir", data_dir, "--datamart-dir", tmp_path / "mart")
    assert_one_clear_line(result, "lms_loan_daily.csv")
    assert not (tmp_path / "mart" / "gold").exists()


def test_a_wrong_column_is_refused_before_anything_is_written(tmp_path, data_dir):
    path = data_dir / "features_attributes.csv"
    path.write_text(path.read_text().replace("Occupation", "Job", 1))
    result = run_main("--data-dir", data_dir, "--datamart-dir", tmp_path / "mart")
    assert_one_clear_line(result, "features_attributes.csv", "Occupation", "Job")
    assert not list((tmp_path / "mart").rglob("*.parquet"))


def test_a_file_that_is_no_text_is_refused(tmp_path, data_dir):
    (data_dir / "feature_clickstream.csv").write_bytes(b"PK\x03\x04" + os.urandom(1000))
    result = run_main("--data-dir", data_dir, "--datamart-dir", tmp_path / "mart")
    assert_one_clear_line(result, "feature_clickstream.csv", "zip")


def test_a_datamart_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "mart").write_text("not a folder")
    assert_one_clear_line(run_main("--datamart-dir", tmp_path / "mart"), str(tmp_path / "mart"))


@pytest.mark.skipif(os.geteuid() == 0 or sys.platform == "win32", reason="root may write anywhere")
def test_a_datamart_that_cannot_be_written_is_refused(tmp_path):
    mart = tmp_path / "mart"
    mart.mkdir()
    mart.chmod(0o500)
    assert_one_clear_line(run_main("--datamart-dir", mart), str(mart))


@pytest.mark.parametrize("command", ON_A_DATAMART.values(), ids=ON_A_DATAMART)
def test_a_datamart_that_cannot_be_read_is_one_line_too(tmp_path, command):
    """A name too long for any system, which not even root can look at."""
    mart = tmp_path / ("mart" * 100)
    assert_one_clear_line(run_main(*command, "--datamart-dir", mart), str(mart))


@pytest.mark.parametrize("file", ["gold/feature_store.parquet", "compiled.json"])
def test_a_datamart_with_a_damaged_file_is_one_line_too(datamart, file):
    path = (datamart / "current").resolve() / file
    path.write_bytes(b"{")
    assert_one_clear_line(run_main("explain", "any", "--datamart-dir", datamart), path.name)


def test_a_refused_call_leaves_the_published_datamart_as_it_was(datamart, data_dir):
    before = (datamart / "current").resolve()
    (data_dir / "features_financials.csv").write_text("")
    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert_one_clear_line(result, "features_financials.csv", "empty")
    assert (datamart / "current").resolve() == before
