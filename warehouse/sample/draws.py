"""Random draws as SQL expressions: each function returns the text of one.

Each customer and each row has a generator of its own (Park and Miller's "minimal standard",
x -> 48271 x mod 2^31 - 1), started from an md5 of its key, and each named draw takes one fixed,
far-away number of it. Plain integer arithmetic does not change with the release of DuckDB, as its
`hash()` may.
"""

import zlib
from collections.abc import Iterable

from warehouse.sample.settings import DIRT, DRIFT, FIRST_MONTH, LONG_FRACTION_SHARE

PRIME = 2**31 - 1
MULTIPLIER = 48271


def start(seed: int, *key: str) -> str:
    """Return the first number, 1 to PRIME - 1, of the generator of a key."""
    parts = ", ".join(key)
    return f"cast(md5_number_lower(concat_ws('|', {seed}, {parts})) % {PRIME - 1} as bigint) + 1"


def draw(name: str, state: str = "customer_state") -> str:
    """Return an evenly spread number above 0 and below 1: the draw called `name` of a generator."""
    jump = pow(MULTIPLIER, zlib.crc32(name.encode()), PRIME)
    return f"({state} * {jump} % {PRIME} / {PRIME}.0)"


def whole(low: int, high: int, name: str, state: str = "customer_state") -> str:
    """Return a whole number from low to high, both included."""
    return f"({low} + cast(floor({draw(name, state)} * {high - low + 1}) as integer))"


def choice(values: dict[str, float], position: str, otherwise: str = "null") -> str:
    """Return the value (SQL) whose share a position between 0 and 1 falls into."""
    total, branches = 0.0, []
    for value, share in values.items():
        total += share
        branches.append(f"when {position} < {total:.6f} then {value}")
    return f"case {' '.join(branches)} else {otherwise} end"


def numbered(weights: Iterable[float], first: int = 0) -> dict[str, float]:
    """Return the share of each weight in their sum, by number."""
    weights = list(weights)
    total = sum(weights)
    return {str(number): weight / total for number, weight in enumerate(weights, first)}


def text(value: str) -> str:
    """Return a SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def one_of(values: Iterable[str], name: str, state: str = "customer_state") -> str:
    """Return one of several texts, all equally frequent."""
    literals = [text(value) for value in values]
    return f"[{', '.join(literals)}][{whole(1, len(literals), name, state)}]"


def within(bounds: tuple[int, int], value: str) -> str:
    """Return a value clipped to bounds."""
    return f"least(greatest({value}, {bounds[0]}), {bounds[1]})"


def fate_of(fates: dict[str, float], position: str) -> str:
    """Return the fate of a row by a position between 0 and 1."""
    return choice({text(fate): share for fate, share in fates.items()}, position, "'kept'")


def month_start(month: str) -> str:
    """Return the first day of a month, counted from `FIRST_MONTH`."""
    return f"cast(date '{FIRST_MONTH}' + to_months(cast({month} as integer)) as date)"


def figure(name: str) -> str:
    """Return a figure of the customer's kind, moved a little in every further snapshot."""
    moved = f"{draw(name)} + if(slot = 0, 0, {DRIFT} * ({draw(name, 'row_state')} - 0.5))"
    return f"along(least(greatest({moved}, 0), 1), kind.{name}_range)"


def counted(name: str) -> str:
    """Return a figure as a whole number."""
    return f"cast(round({figure(name)}) as integer)"


def dirty(name: str, value: str, outlier_type: str = "integer") -> str:
    """Return a value as text, spoilt in the ways and shares of `DIRT`."""
    dirt = DIRT[name]
    width = dirt.outlier_to - dirt.outlier_from
    size = f"floor({dirt.outlier_from} + {draw(f'size {name}', 'row_state')} * {width})"
    spoilt = {
        text(dirt.placeholder): dirt.placeholder_share,
        f"cast(cast({size} as {outlier_type}) as varchar)": dirt.outlier_share,
    }
    clean = f"cast({value} as varchar)"
    if dirt.underscore_share:
        underscore = draw(f"underscore {name}", "row_state")
        clean = f"concat({clean}, if({underscore} < {dirt.underscore_share}, '_', ''))"
    shares = {value: share for value, share in spoilt.items() if share}
    return choice(shares, draw(f"spoilt {name}", "row_state"), clean) if shares else clean


def or_negative(name: str, share: float, lowest: int, value: str) -> str:
    """Return a value, or in some rows a whole number from -1 down to -lowest."""
    negative = whole(1, lowest, f"how negative {name}", "row_state")
    return f"if({draw(f'negative {name}', 'row_state')} < {share}, -{negative}, {value})"


def long_fraction(name: str, value: str) -> str:
    """Return a rounded number that sometimes shows the rest that binary floats leave behind."""
    is_long = f"{draw(f'fraction {name}', 'row_state')} < {LONG_FRACTION_SHARE}"
    return f"({value}) * if({is_long}, cast(1 + 4.5e-16 as double), 1)"
