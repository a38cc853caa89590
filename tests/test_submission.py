"""The zip that is handed in runs by itself."""

import subprocess
import sys
import zipfile

import duckdb

from warehouse.submission import pack


def test_the_submission_unpacked_in_an_empty_folder_runs(tmp_path):
    names = pack(tmp_path / "submission.zip")
    for name in ("main.py", "Dockerfile", "docker-compose.yaml", "requirements.txt", "Readme.txt"):
        assert name in names
    assert not [name for name in names if "datamart" in name or "__pycache__" in name]
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    readme = (tmp_path / "unpacked" / "Readme.txt").read_text().splitlines()
    assert len(readme) == 1
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path / "unpacked", capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    store = tmp_path / "unpacked" / "datamart" / "gold" / "feature_store.parquet"
    assert duckdb.execute("select count(*) from read_parquet(?)", [str(store)]).fetchone()[0] > 1000
