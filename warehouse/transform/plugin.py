"""dbt-duckdb plugin: the datamart's files are the database, so dbt needs no database file."""

import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from warehouse.base import catalog, paths


class Plugin(BasePlugin):
    """Points dbt at the published run, or at the folder main.py builds in (WAREHOUSE_BUILD_DIR)."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Set the folder that models are written to."""
        creds.external_root = str(paths.dbt_run_dir())

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Show what the folder holds already as views; spill beside it what memory cannot hold."""
        run_dir = Path(self.creds.external_root)
        catalog.set_memory(conn, run_dir, os.environ.get("WAREHOUSE_MEMORY_LIMIT"))
        if at_once := os.environ.get("WAREHOUSE_QUERIES_AT_ONCE"):
            (threads,) = conn.execute("select current_setting('threads')").fetchone()
            conn.execute("set threads = ?", [max(1, threads // int(at_once))])
        if run_dir.is_dir():
            for layer in catalog.LAYERS:
                (run_dir / layer).mkdir(exist_ok=True)
        catalog.attach(conn, run_dir)

    def store(self, target_config: TargetConfig) -> None:
        """Put the new files of a table in their place and remove those it had before.

        The config names the files; each was written as tmp_<file> in the folder of its schema.
        """
        relation, files = target_config.relation, target_config.config["files"]
        folder = Path(self.creds.external_root) / relation.schema
        for file in files:
            (folder / f"tmp_{file}").replace(folder / file)
        for path in folder.glob("*.parquet"):
            if catalog.table_of(path) == relation.identifier and path.name not in files:
                path.unlink()
