"""The online stores, each with a spare that is written while the live one is served.

The record of what a store holds is kept in the store itself, so that both are switched in one
step: a file that is renamed, or two Redis databases that change places.
"""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from warehouse.base.errors import UserError

RECORD_KEY = "warehouse:served"
SQLITE_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """What an online store holds: the scoring set of a day, of a run, known at a moment.

    scoring_set names the file, definitions is the fingerprint of the catalogue, features_sha256
    the hash of the set's rows. Moments are UTC.
    """

    day: str
    run_id: str
    known_at: str
    scoring_set: str
    features_sha256: str
    definitions: str
    customers: int
    materialised_at: str


class OnlineStore(Protocol):
    """A store with a live and a spare half. Raises UserError where it cannot be reached."""

    @property
    def live(self) -> dict[str, Any]:
        """Return Feast's settings of the half that is served."""

    @property
    def spare(self) -> dict[str, Any]:
        """Return Feast's settings of the half that may be written."""

    def served(self) -> Served | None:
        """Return what is served, None before the first time."""

    def open_spare(self) -> Served | None:
        """Make the spare half ready to be written; returns what it holds whole, if anything."""

    def clear_spare(self) -> None:
        """Remove everything from the spare half."""

    def complete_spare(self, held: Served) -> None:
        """Record that the spare half holds a scoring set whole."""

    def switch(self) -> None:
        """Serve the spare half from now on."""


def online_store(setting: str, folder: Path) -> OnlineStore:
    """Return the store of a setting: `sqlite`, or `redis://[user:password@]host[:port][/db]`."""
    if setting == "sqlite":
        return SqliteStore(folder)
    url = urlsplit(setting)
    if url.scheme in ("redis", "rediss") and url.hostname:
        return RedisStore(setting)
    raise UserError(
        f"--online {setting} is neither sqlite nor an address such as redis://localhost:6379/0"
    )


class SqliteStore:
    """A SQLite file. A new one is written next to it, from a copy, and takes its name."""

    def __init__(self, folder: Path) -> None:
        self._live = folder / "online.db"
        self._spare = folder / "online.next.db"

    @property
    def live(self) -> dict[str, Any]:
        """Return Feast's settings of the file that is served."""
        return {"type": "sqlite", "path": self._live.name}

    @property
    def spare(self) -> dict[str, Any]:
        """Return Feast's settings of the file that is written."""
        return {"type": "sqlite", "path": self._spare.name}

    def served(self) -> Served | None:
        """Return what the served file holds, None where there is no file."""
        return self._record(self._live)

    def open_spare(self) -> Served | None:
        """Copy the served file, without its record; returns what it holds."""
        self.clear_spare()
        held = self.served()
        if held is not None:
            shutil.copyfile(self._live, self._spare)
            with closing(sqlite3.connect(self._spare)) as con, con:
                con.execute("delete from warehouse_served")
        return held

    def clear_spare(self) -> None:
        """Remove the file that is written, and what SQLite keeps next to it."""
        for file in self._spare.parent.glob(f"{self._spare.name}*"):
            file.unlink()

    def complete_spare(self, held: Served) -> None:
        """Record what the file holds, in a table of its own."""
        with closing(sqlite3.connect(self._spare, timeout=SQLITE_TIMEOUT_SECONDS)) as con, con:
            con.execute("create table if not exists warehouse_served (record text)")
            con.execute("delete from warehouse_served")
            con.execute("insert into warehouse_served values (?)", [json.dumps(asdict(held))])

    def switch(self) -> None:
        """Give the written file the name of the served one, in one step."""
        with self._spare.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self._spare, self._live)

    @staticmethod
    def _record(file: Path) -> Served | None:
        if not file.is_file():
            return None
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as con:
                found = con.execute("select record from warehouse_served").fetchone()
        except sqlite3.Error:
            return None
        return Served(**json.loads(found[0])) if found else None


class RedisStore:
    """Two databases of a Redis server: the one of the address and the next. SWAPDB switches them.

    Both have to be empty or ours: the spare one is emptied.
    """

    def __init__(self, address: str) -> None:
        import redis

        self._url = urlsplit(address)
        self._errors = redis.RedisError
        try:
            self._db = int(self._url.path.strip("/") or 0)
        except ValueError as error:
            raise UserError(
                f"--online: {self._url.path} is not the number of a database"
            ) from error
        self._address = f"{self._url.hostname}:{self._url.port or 6379}"
        self._clients = [self._client(redis, self._db + place) for place in (0, 1)]
        try:
            for client in self._clients:
                client.ping()
        except redis.RedisError as error:
            raise UserError(
                f"Redis at {self._address} does not answer ({error}); start it, or name another"
                " with --online redis://host:port/db"
            ) from error

    @property
    def live(self) -> dict[str, Any]:
        """Return Feast's settings of the database that is served."""
        return self._settings(self._db)

    @property
    def spare(self) -> dict[str, Any]:
        """Return Feast's settings of the next database."""
        return self._settings(self._db + 1)

    def served(self) -> Served | None:
        """Return what the served database holds, None where it is empty."""
        return self._record(0)

    def open_spare(self) -> Served | None:
        """Take the record from the spare database; returns what it holds whole, if anything."""
        for place in (0, 1):
            if self._clients[place].dbsize() and not self._clients[place].exists(RECORD_KEY):
                raise UserError(
                    f"database {self._db + place} of Redis at {self._address} holds keys that are"
                    " not of this project; name two databases in a row that are free with"
                    " --online redis://host:port/db"
                )
        held = self._record(1)
        self._clients[1].set(RECORD_KEY, "")
        return held

    def clear_spare(self) -> None:
        """Empty the spare database; its record says that nothing is there whole."""
        self._clients[1].flushdb()
        self._clients[1].set(RECORD_KEY, "")

    def complete_spare(self, held: Served) -> None:
        """Record what the spare database holds."""
        self._clients[1].set(RECORD_KEY, json.dumps(asdict(held)))

    def switch(self) -> None:
        """Let the two databases change places, in one step for every client."""
        if not self._clients[0].exists(RECORD_KEY):
            self._clients[0].set(RECORD_KEY, "")  # it becomes the spare one, and is ours
        self._clients[0].swapdb(self._db, self._db + 1)

    def _record(self, place: int) -> Served | None:
        text = self._clients[place].get(RECORD_KEY)
        return Served(**json.loads(text)) if text else None

    def _client(self, redis: Any, db: int) -> Any:
        return redis.Redis(
            host=self._url.hostname,
            port=self._url.port or 6379,
            db=db,
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            ssl=self._url.scheme == "rediss",
            decode_responses=True,
        )

    def _settings(self, db: int) -> dict[str, Any]:
        parts = [self._address, f"db={db}"]
        if self._url.username:
            parts.append(f"username={unquote(self._url.username)}")
        if self._url.password:
            parts.append(f"password={unquote(self._url.password)}")
        if self._url.scheme == "rediss":
            parts.append("ssl=true")
        # What is written differs from what is there; Feast need not read it first to see that.
        return {"type": "redis", "connection_string": ",".join(parts), "skip_dedup": True}
