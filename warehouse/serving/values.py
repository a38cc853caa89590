"""How a value of the warehouse is held by Feast, so that nothing is lost: type, null and digits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal as Money
from typing import Any

from feast.protos.feast.types import Value_pb2 as protos
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import (
    Array,
    Bool,
    ComplexFeastType,
    Decimal,
    Float32,
    Float64,
    Int32,
    Int64,
    PrimitiveFeastType,
    String,
    UnixTimestamp,
)

from warehouse.base.errors import UserError


@dataclass(frozen=True)
class Kind:
    """A Feast type, the field of Feast's Value that holds it, and how a value is put into it."""

    feast_type: PrimitiveFeastType | ComplexFeastType
    field: str
    convert: Callable[[Any], Any] | None = None

    def value(self, content: Any) -> Value:
        """Return Feast's value; a null is a value without content, unlike 0, '' or []."""
        if content is None:
            return Value()
        return Value(**{self.field: self.convert(content) if self.convert else content})


def kind_of(data_type: str, feature: str) -> Kind:
    """Return how Feast holds a type of DuckDB; raises UserError where it cannot without loss."""
    simple = "DECIMAL" if re.fullmatch(r"DECIMAL\(\d+,\d+\)", data_type) else data_type
    if simple in _KINDS:
        return _KINDS[simple]
    element = re.sub(r"\(\d+,\d+\)", "", data_type.removesuffix("[]"))
    if data_type.endswith("[]") and element in _KINDS:
        return _list_of(_KINDS[element], feature)
    raise UserError(
        f"feature {feature} is of type {data_type}, which Feast cannot hold without loss;"
        f" cast it in its model to one of {', '.join(_KINDS)} or a list of these"
    )


def _seconds(day: date) -> int:
    """Return midnight UTC of a day in seconds since 1970-01-01."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _digits(amount: Money) -> str:
    """Return a decimal with all its digits, such as 1234.50."""
    return format(amount, "f")


_KINDS = {
    "VARCHAR": Kind(String, "string_val"),
    "BOOLEAN": Kind(Bool, "bool_val"),
    "TINYINT": Kind(Int32, "int32_val"),
    "SMALLINT": Kind(Int32, "int32_val"),
    "INTEGER": Kind(Int32, "int32_val"),
    "BIGINT": Kind(Int64, "int64_val"),
    "FLOAT": Kind(Float32, "float_val"),
    "DOUBLE": Kind(Float64, "double_val"),
    "DECIMAL": Kind(Decimal, "decimal_val", _digits),
    "DATE": Kind(UnixTimestamp, "unix_timestamp_val", _seconds),
}

_LISTS = {
    "string_val": protos.StringList,
    "bool_val": protos.BoolList,
    "int32_val": protos.Int32List,
    "int64_val": protos.Int64List,
    "float_val": protos.FloatList,
    "double_val": protos.DoubleList,
    "decimal_val": protos.StringList,
    "unix_timestamp_val": protos.Int64List,
}


def _list_of(element: Kind, feature: str) -> Kind:
    def convert(contents: list[Any]) -> Any:
        if None in contents:
            raise UserError(
                f"feature {feature} holds a list with a null in it, which Feast cannot hold;"
                " filter the nulls in its model"
            )
        converted = map(element.convert, contents) if element.convert else contents
        return _LISTS[element.field](val=converted)

    return Kind(Array(element.feast_type), element.field.replace("_val", "_list_val"), convert)
