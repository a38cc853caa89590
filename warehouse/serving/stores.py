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
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from warehouse.base.errors import UserError

RECORD_KEY = "warehouse:served"
SQLITE_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """The content of an online store: the scoring set of a day, of a run, known at a moment.

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


class SqliteStore:
    """A SQLite file. A new one is written next to it, from a copy, and takes its name.

    live and spare are Feast's settings of the half that is served and of the one to be written.
    """

    def __init__(self, folder: Path) -> None:
        self._live, self._spare = folder / "online.db", folder / "online.next.db"
        self.live, self.spare = (
            {"type": "sqlite", "path": file.name} for file in (self._live, self._spare)
        )

    def served(self) -> Served | None:
        """Return what is served, None before the first time."""
        if not self._live.is_file():
            return None
        try:
            with closing(sqlite3.connect(f"{self._live.as_uri()}?mode=ro", uri=True)) as con:
                found = con.execute("select record from warehouse_served").fetchone()
        except sqlite3.Error:
            return None
        return Served(**json.loads(found[0])) if found else None

    def open_spare(self) -> Served | None:
        """Make the spare half ready to be written; returns what it holds whole, if anything."""
        self.clear_spare()
        held = self.served()
        if held is not None:
            shutil.copyfile(self._live, self._spare)
            self._record(None)
        return held

    def clear_spare(self) -> None:
        """Remove everything from the spare half."""
        for file in self._spare.parent.glob(f"{self._spare.name}*"):  # and what SQLite keeps of it
            file.unlink()

    def switch(self, held: Served) -> None:
        """Record what the spare half holds, then serve it; the switch itself is one step."""
        self._record(held)
        with self._spare.open("rb") as file:
            os.fsync(file.fileno())
        self._spare.replace(self._live)

    def _record(self, held: Served | None) -> None:
        """Note in the spare file what it holds."""
        with closing(sqlite3.connect(self._spare, timeout=SQLITE_TIMEOUT_SECONDS)) as con, con:
            con.execute("create table if not exists warehouse_served (record text)")
            con.execute("delete from warehouse_served")
            if held is not None:
                con.execute("insert into warehouse_served values (?)", [json.dumps(asdict(held))])


class RedisStore:
    """Two databases of a Redis server: the one of the address and the next. SWAPDB switches them.

    Both have to be empty or ours: the spare one is emptied.
    """

    def __init__(self, address: str) -> None:
        import redis

        url = urlsplit(address)
        self._address = f"{url.hostname}:{url.port or 6379}"
        number = url.path.strip("/") or "0"
        if not number.isdecimal():
            raise UserError(f"--online: {url.path} is not the number of a database")
        self._dbs = (int(number), int(number) + 1)
        try:
            self._clients = [
                redis.Redis.from_url(url._replace(path=f"/{db}").geturl(), decode_responses=True)
                for db in self._dbs
            ]
            for client in self._clients:
                client.ping()
        except redis.RedisError as error:
            raise UserError(
                f"Redis at {self._address} does not answer ({error}); start it, or name another"
                " with --online redis://host:port/db"
            ) from error
        self.live, self.spare = (self._settings(url, db) for db in self._dbs)

    def served(self) -> Served | None:
        """Return what is served, None before the first time."""
        return self._record(0)

    def open_spare(self) -> Served | None:
        """Make the spare half ready to be written; returns what it holds whole, if anything."""
        for db, client in zip(self._dbs, self._clients, strict=True):
            if client.dbsize() and not client.exists(RECORD_KEY):
                raise UserError(
                    f"database {db} of Redis at {self._address} holds keys that are not of this"
                    " project; name two databases in a row that are free with"
                    " --online redis://host:port/db"
                )
        held = self._record(1)
        self._clients[1].set(RECORD_KEY, "")
        return held

    def clear_spare(self) -> None:
        """Remove everything from the spare half."""
        self._clients[1].flushdb()
        self._clients[1].set(RECORD_KEY, "")  # ours, and not whole

    def switch(self, held: Served) -> None:
        """Record what the spare half holds, then serve it; the switch itself is one step."""
        self._clients[1].set(RECORD_KEY, json.dumps(asdict(held)))
        if not self._clients[0].exists(RECORD_KEY):
            self._clients[0].set(RECORD_KEY, "")  # it becomes the spare one, and is ours
        self._clients[0].swapdb(*self._dbs)

    def _record(self, place: int) -> Served | None:
        text = self._clients[place].get(RECORD_KEY)
        return Served(**json.loads(text)) if text else None

    def _settings(self, url: SplitResult, db: int) -> dict[str, Any]:
        parts = [self._address, f"db={db}"]
        parts += [f"username={unquote(url.username)}"] if url.username else []
        parts += [f"password={unquote(url.password)}"] if url.password else []
        parts += ["ssl=true"] if url.scheme == "rediss" else []
        # What is written differs from what is there; Feast need not read it first to see that.
        return {"type": "redis", "connection_string": ",".join(parts), "skip_dedup": True}


OnlineStore = SqliteStore | RedisStore


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
