"""dbt-duckdb plugin: the datamart's files are the database, so dbt needs no database file."""

import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from warehouse.base import catalog, paths
from warehouse.datamart import runs


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
        """Complete a table that is written: link the files it keeps, remove those it had before.

        The config is what the macro files_of returns.
        """
        kept, made = target_config.config["kept"], target_config.config["made"]
        for file, file_before in kept.items():
            Path(file).unlink(missing_ok=True)
            runs.link(file_before, file)
        files = {Path(file) for file in (*kept, *made)}
        table = target_config.relation.identifier
        for path in next(iter(files)).parent.glob("*.parquet"):
            if catalog.table_of(path) == table and path not in files:
                path.unlink()
