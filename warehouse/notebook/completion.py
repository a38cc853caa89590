"""Completion of SQL from the catalogue of a connection."""

import re
from dataclasses import dataclass

import duckdb

KEYWORDS = """
    select keyword_name from duckdb_keywords()
    union
    select function_name from duckdb_functions()
    where function_type in ('aggregate', 'scalar') and regexp_full_match(function_name, '[a-z]+')
    order by all
"""


@dataclass(frozen=True)
class Completer:
    """Completes schemas, tables, columns and words of SQL.

    Attributes:
        tables: columns of each table, by its full name: {"gold.label_store": ["loan_id", ...]}.
        words: keywords and functions.
    """

    tables: dict[str, list[str]]
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> "Completer":
        """Return the completer for what a connection shows."""
        tables = con.execute(
            "select schema_name || '.' || table_name as name,"
            " list(column_name order by column_index) from duckdb_columns()"
            " where schema_name <> 'main' and not internal group by name order by name"
        ).fetchall()
        return cls(dict(tables), tuple(word for (word,) in con.execute(KEYWORDS).fetchall()))

    def suggestions(self, text: str, word: str) -> list[tuple[str, str]]:
        """Return what `word` may become in the SQL `text`, each with its kind, best first.

        Columns are those of the tables that the text names; before it names one, no column.
        """
        prefix, dot, _ = word.rpartition(".")
        named = [name for name in self.tables if re.search(rf"\b{re.escape(name)}\b", text)]
        columns = list(dict.fromkeys(column for name in named for column in self.tables[name]))
        schemas = sorted({name.partition(".")[0] for name in self.tables})
        if dot and prefix in schemas:
            found = [(name, "table") for name in self.tables]
        elif dot:
            found = [(f"{prefix}.{column}", "column") for column in columns]
        else:
            found = [(column, "column") for column in columns]
            found += [(f"{schema}.", "schema") for schema in schemas]
            found += [(name, "table") for name in self.tables]
            found += [(keyword, "keyword") for keyword in self.words]
        return [(text, kind) for text, kind in found if text.startswith(word) and text != word]
