"""The zip that is handed in holds what runs, and runs by itself."""

from warehouse.submission import pack


def test_the_submission_holds_what_runs_and_nothing_made_by_running(tmp_path):
    names = pack(tmp_path / "submission.zip")
    for name in ("main.py", "Dockerfile", "docker-compose.yaml", "requirements.txt", "Readme.txt"):
        assert name in names
    for name in (".dockerignore", ".env.example", "Makefile", "deck/loan_default_warehouse.pdf"):
        assert name in names, "the README tells of it"
    for folder in ("warehouse/", "dbt_project/models/", "data/", "notebooks/"):
        assert any(name.startswith(folder) for name in names)
    made = ("datamart", "__pycache__", ".ipynb_checkpoints", "dbt_project/target", ".parquet")
    assert not [name for name in names if any(part in name for part in made)]


def test_its_readme_is_one_line(unpacked_project):
    assert len((unpacked_project / "Readme.txt").read_text().splitlines()) == 1


def test_unpacked_in_an_empty_folder_it_runs(sample_run):
    assert sample_run[1].returncode == 0
    assert (sample_run[0] / "gold" / "feature_store.parquet").exists()
