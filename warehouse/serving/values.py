"""Turns values of the warehouse into those of Feast and back: type, null and digits stay."""

import re
from dataclasses import dataclass
from typing import Any

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
    """A Feast type, the field of Feast's Value that holds it, and the SQL that gives its content.

    `{}` in the SQL is the value as the warehouse has it.
    """

    feast_type: PrimitiveFeastType | ComplexFeastType
    field: str
    sql: str = "{}"

    def value(self, content: Any) -> Value:
        """Return Feast's value; a null is a value without content, unlike 0, '' or []."""
        if content is None:
            return Value()
        if not isinstance(content, list):
            return Value(**{self.field: content})
        if None in content:
            raise UserError(
                f"a feature holds the list {content}, and Feast cannot hold a list with a null in"
                " it; filter the nulls in its model"
            )
        value = Value()
        contents = getattr(value, self.field)
        contents.SetInParent()  # an empty list is content too
        contents.val.extend(content)
        return value


KINDS = {
    "VARCHAR": Kind(String, "string_val"),
    "BOOLEAN": Kind(Bool, "bool_val"),
    "TINYINT": Kind(Int32, "int32_val"),
    "SMALLINT": Kind(Int32, "int32_val"),
    "INTEGER": Kind(Int32, "int32_val"),
    "BIGINT": Kind(Int64, "int64_val"),
    "FLOAT": Kind(Float32, "float_val"),
    "DOUBLE": Kind(Float64, "double_val"),
    "DECIMAL": Kind(Decimal, "decimal_val", "cast({} as varchar)"),
    "DATE": Kind(UnixTimestamp, "unix_timestamp_val", "cast(epoch({}) as bigint)"),
}


def kind_of(data_type: str, feature: str) -> Kind:
    """Return how Feast holds a type of DuckDB; raises UserError where it cannot without loss."""
    simple = re.sub(r"\(\d+,\d+\)", "", data_type)
    if simple in KINDS:
        return KINDS[simple]
    element = KINDS.get(simple.removesuffix("[]"))
    if element is None:
        raise UserError(
            f"feature {feature} is of type {data_type}, which Feast cannot hold without loss;"
            f" cast it in its model to one of {', '.join(KINDS)} or a list of these"
        )
    return Kind(
        Array(element.feast_type),
        element.field.replace("_val", "_list_val"),
        f"list_transform({{}}, lambda element: {element.sql.format('element')})",
    )
