"""Publishing on disk: whole at any instant, with and without links, and a user's files are safe."""

import json
import os
import shutil
import signal
from itertools import count
from pathlib import Path

import pytest

from warehouse.base.errors import UserError
from warehouse.base.layout import GROUP_POWER_FILE, LAYERS, Datamart
from warehouse.datamart import publish as publishing
from warehouse.datamart.lock import locked
from warehouse.datamart.runs import begin, discard, open_datamart

CHANGES_OF_FILES = ("rename", "replace", "symlink", "link", "unlink", "rmdir", "mkdir")


@pytest.fixture(params=["links", "no links"])
def datamart(request, tmp_path, monkeypatch) -> Datamart:
    """Return an empty datamart on a file system with links, and on one without."""
    if request.param == "no links":
        forbid_links(monkeypatch)
    return open_datamart(tmp_path / "datamart")


def forbid_links(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("links are not supported")

    monkeypatch.setattr(os, "symlink", refuse)
    monkeypatch.setattr(os, "link", refuse)


def build(datamart: Datamart, run_id: str) -> Path:
    """Begin a run and fill its folder with files that hold the run's id."""
    build_dir = begin(datamart, run_id)
    for layer in LAYERS:
        (build_dir / layer / "table.parquet").unlink(missing_ok=True)
        (build_dir / layer / "table.parquet").write_text(f"{layer} of {run_id}")
    (build_dir / "bronze" / run_id).mkdir(exist_ok=True)
    (build_dir / "bronze" / run_id / "part.parquet").write_text(run_id)
    (build_dir / "manifest.json").write_text(json.dumps({"run_id": run_id}))
    (build_dir / "report.html").write_text(run_id)
    return build_dir


def publish(datamart: Datamart, run_id: str) -> list[Path]:
    build(datamart, run_id)
    return publishing.publish(datamart, run_id)


def assert_whole(folder: Path, run_id: str) -> None:
    for layer in LAYERS:
        assert (folder / layer / "table.parquet").read_text() == f"{layer} of {run_id}"
    assert (folder / "bronze" / run_id / "part.parquet").exists()


def assert_shown(datamart: Datamart, run_id: str) -> None:
    """Check that readers by path and readers of `current_run` see this run whole."""
    assert datamart.current_run().name == run_id
    assert_whole(datamart.current_run(), run_id)
    assert_whole(datamart.root, run_id)
    assert (datamart.root / "report.html").read_text() == run_id


def test_published_run_is_shown_and_bronze_goes_on(datamart):
    for run_id in ("1", "2"):
        publish(datamart, run_id)
        assert_shown(datamart, run_id)
    assert (datamart.root / "bronze" / "1" / "part.parquet").exists()
    assert not datamart.building.exists()


def test_file_system_without_links_has_real_folders(tmp_path, monkeypatch):
    forbid_links(monkeypatch)
    datamart = open_datamart(tmp_path)
    publish(datamart, "1")
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_datamart_changes_between_links_and_copies(tmp_path, monkeypatch):
    """As when a folder is moved to another disk and back."""
    datamart = open_datamart(tmp_path)
    publish(datamart, "1")
    with monkeypatch.context() as patch:
        forbid_links(patch)
        publish(datamart, "2")
        assert_shown(datamart, "2")
    publish(datamart, "3")
    assert_shown(datamart, "3")
    assert list(datamart.lab.iterdir()) == []


def test_published_folder_is_not_changed_by_a_run_in_progress(datamart):
    publish(datamart, "1")
    build_dir = build(datamart, "2")
    assert_shown(datamart, "1")
    assert (build_dir / "bronze" / "1" / "part.parquet").exists()
    discard(datamart)
    assert_shown(datamart, "1")


def test_incremental_run_begins_with_all_tables_of_the_published_one(datamart):
    publish(datamart, "1")
    (datamart.current_run() / GROUP_POWER_FILE).write_text("[]")
    build_dir = begin(datamart, "2", is_incremental=True)
    assert_whole(build_dir, "1")
    assert not (build_dir / "manifest.json").exists()
    assert not (build_dir / "report.html").exists()
    assert not (build_dir / GROUP_POWER_FILE).exists()


@pytest.mark.parametrize("has_published", [False, True], ids=["first run", "later run"])
def test_killed_at_any_change_of_a_file_old_or_new_is_whole(datamart, has_published):
    """Publishing dies before each change of a file, one after another, until one gets through."""
    if has_published:
        publish(datamart, "old")
        (datamart.root / "gold" / "mine.parquet").write_text("mine")
    before = datamart.root.with_name("before")
    shutil.copytree(datamart.root, before, symlinks=True)
    published = []
    for step in count(1):
        shutil.rmtree(datamart.root)
        shutil.copytree(before, datamart.root, symlinks=True)
        build(datamart, "new")
        was_killed = publish_and_die(datamart, step)
        run_dir = datamart.current_run()
        if run_dir is None:
            assert not has_published
        else:
            assert_whole(run_dir, run_dir.name)
        publishing.recover(datamart)
        if run_dir is not None:
            assert_shown(datamart, run_dir.name)
        if has_published:
            assert [path.read_text() for path in datamart.lab.rglob("*.parquet")] == ["mine"]
        published.append(run_dir is not None and run_dir.name == "new")
        if not was_killed:
            break
    assert len(published) > 5
    assert published == sorted(published), "once published, a run stays published"


def publish_and_die(datamart: Datamart, step: int) -> bool:
    """Publish in a child process that is killed before its n-th change of a file."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    steps = count(1)

    def counted(call):
        def wrapper(*arguments, **options):
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return wrapper

    for name in CHANGES_OF_FILES:
        setattr(os, name, counted(getattr(os, name)))
    shutil.copyfile = counted(shutil.copyfile)
    publishing.publish(datamart, "new")
    os._exit(0)


# A user's own files


def test_users_files_move_to_the_lab_and_replace_nothing_there(datamart):
    publish(datamart, "1")
    (datamart.lab / "mine.parquet").write_text("first")
    for layer in LAYERS:
        (datamart.root / layer / "mine.parquet").write_text(f"mine in {layer}")
    (datamart.root / "gold" / "scores").mkdir()
    (datamart.root / "gold" / "scores" / "part.parquet").write_text("scores")
    moved = publishing.recover(datamart)
    texts = {path.read_text() for path in moved}
    assert texts == {"mine in bronze", "mine in silver", "mine in gold", "scores"}
    assert all(datamart.lab in path.parents for path in moved)
    assert (datamart.lab / "mine.parquet").read_text() == "first"
    assert (datamart.lab / "scores" / "part.parquet").exists()
    assert not (datamart.root / "gold" / "scores").exists()
    assert_shown(datamart, "1")
    assert publishing.recover(datamart) == []


def test_users_file_in_an_old_run_outlives_it(datamart):
    publish(datamart, "1")
    (datamart.current_run() / "gold" / "mine.parquet").write_text("mine")
    for run_id in ("2", "3", "4", "5"):
        publish(datamart, run_id)
    assert not (datamart.runs / "1").exists()
    assert (datamart.lab / "mine.parquet").read_text() == "mine"


def test_overwritten_table_moves_to_the_lab(datamart):
    publish(datamart, "1")
    (datamart.root / "gold" / "table.parquet").write_text("my own table of this name")
    publishing.recover(datamart)
    assert (datamart.lab / "table.parquet").read_text() == "my own table of this name"


def test_folder_that_no_run_made_moves_to_the_lab(datamart):
    (datamart.root / "gold").mkdir()
    (datamart.root / "gold" / "mine.parquet").write_text("mine")
    publish(datamart, "1")
    assert_shown(datamart, "1")
    assert (datamart.lab / "mine.parquet").read_text() == "mine"


# Old runs, the lock


def test_newest_runs_are_kept_and_the_published_one_in_any_case(datamart, monkeypatch):
    monkeypatch.setattr(publishing, "KEPT_RUNS", 2)
    for run_id in ("2027", "2028", "2029", "2026"):
        publish(datamart, run_id)
    assert sorted(path.name for path in datamart.runs.iterdir()) == ["2026", "2028", "2029"]
    assert_shown(datamart, "2026")


def test_newest_records_are_kept(datamart, monkeypatch):
    monkeypatch.setattr(publishing, "KEPT_RECORDS", 3)
    for number in range(5):
        (datamart.manifests / f"{number}.json").touch()
        (datamart.logs / f"{number}.log").touch()
    publishing.prune_records(datamart)
    for folder in (datamart.manifests, datamart.logs):
        assert sorted(path.stem for path in folder.iterdir()) == ["2", "3", "4"]


def test_who_waits_for_the_lock_learns_who_has_it(datamart):
    with (
        locked(datamart),
        pytest.raises(UserError, match=f"process {os.getpid()}"),
        locked(datamart),
    ):
        pass


def test_lock_of_a_dead_process_is_taken_over(datamart):
    child = os.fork()
    if not child:
        with locked(datamart):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert (datamart.root / "run.lock.txt").exists()
    with locked(datamart):
        assert f"process {os.getpid()} on" in (datamart.root / "run.lock.txt").read_text()


@pytest.mark.parametrize("name", ["a [b]", "what?", "all*"])
def test_name_that_is_a_pattern_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="would match other folders"):
        open_datamart(tmp_path / name)
