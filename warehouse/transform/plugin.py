"""dbt-duckdb plugin: the datamart's parquet files are the database, so dbt needs no database file.

Its config in profiles.yml says which folder the models are written to:

    run_dir        the folder of a run, whose own tables alone are shown; empty where the file
                   run.json in dbt's target folder names it
    datamart_dir   a datamart: models go to its folder dev; what dev does not hold is shown as
                   published. Relative paths begin at dbt_project
"""

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from warehouse.base import catalog
from warehouse.base.files import read_json
from warehouse.base.layout import Datamart
from warehouse.base.paths import DBT_DIR
from warehouse.transform import tables
from warehouse.transform.dbt_options import RUN_FILE


class Plugin(BasePlugin):
    """Points dbt at a run in progress, or at the folder `dev` of a datamart."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the folders to read and the one to write."""
        self.memory_limit: str | None = None
        if "run_dir" in plugin_config:
            self.write_dir = Path(plugin_config["run_dir"] or self._read_run())
            self.read_dirs = [self.write_dir]
            return
        datamart = Datamart(DBT_DIR / plugin_config.get("datamart_dir", "../datamart"))
        published = datamart.current_run()
        if published is None:
            raise DbtRuntimeError(
                f"no datamart in {datamart.root.resolve()}: run `python main.py` once first"
            )
        self.write_dir = datamart.dev.resolve()
        self.read_dirs = [published, self.write_dir]

    def _read_run(self) -> str:
        """Return the folder of the run that called dbt, and note its memory limit."""
        run = read_json(Path(get_flags().TARGET_PATH) / RUN_FILE)  # type: ignore[no-untyped-call]
        if run is None:
            raise DbtRuntimeError("the target run is for `python main.py` only; use dev")
        self.memory_limit = run["memory_limit"]
        return str(run["run_dir"])

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Set the folder that models are written to."""
        creds.external_root = str(self.write_dir)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Show the files of the folders as views; spill to disk there when memory is short."""
        self.con = conn
        catalog.set_memory(conn, self.write_dir, self.memory_limit)
        for layer in ("silver", "gold"):
            (self.write_dir / layer).mkdir(parents=True, exist_ok=True)
        for folder in self.read_dirs:
            catalog.attach(conn, folder)

    def store(self, target_config: TargetConfig) -> None:
        """Give the files that a model was written to their places, and show the table as a view.

        The config holds `files`, under temporary names; `keep_other`, the column by whose values
        rows of the table before are kept, or null where they are replaced; and `rows_per_group`.
        """
        config, relation = target_config.config, target_config.relation
        folder, table = self.write_dir / str(relation.schema), str(relation.identifier)
        files = [Path(file) for file in config["files"]]
        with self.con.cursor() as con:
            if key := config["keep_other"]:
                tables.add_rows(con, folder, table, files, key, config["rows_per_group"])
            else:
                tables.replace_files(folder, table, files)
            catalog.show_table(con, folder, table)
