"""The option `rescuedDataColumn` of the XML reader, which Databricks has and open-source Spark ignores.

What a row has beyond the schema, and texts that are no values of their column's type, come as JSON in one column,
together with the file's path. Documented: https://docs.databricks.com/query/formats/xml
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

OPTION = "rescueddatacolumn"
FILE_PATH = "_file_path"
FORMATS = ("dateformat", "timestampformat", "timestampntzformat", "valueformat")


def wanted(options: dict[str, Any]) -> str:
    """The column that is asked for, "" when none is."""
    return next((str(value) for key, value in options.items() if key.lower() == OPTION), "")


def load(original: Any, reader: Any, path: Any, *, column: str) -> Any:
    """The rows with the rescued column; `original` is PySpark's own `load`.

    With a schema the files are read twice: the first time only to learn what there is beyond it.
    """
    from pyspark.sql import functions as f
    from pyspark.sql.types import StructType

    spark = reader._client  # noqa: SLF001
    options = {key: value for key, value in reader._options.items() if key.lower() != OPTION}  # noqa: SLF001
    schema = _schema(spark, reader._schema)  # noqa: SLF001
    if schema is None:
        frame = original(_reader(spark, options), path)
        return frame.withColumn(column, f.lit(None).cast("string"))
    _refuse_formats(options, schema)
    plain = {key: value for key, value in options.items() if key.lower() != "inferschema"}
    there = original(_reader(spark, plain | {"inferSchema": "false"}), path).schema
    fields = [field for field in schema.fields if field.name != column]
    known = {field.name for field in fields} | {_corrupt(options)}
    beyond = [field for field in there.fields if field.name not in known]
    read = StructType([*map(_as_text, fields), *beyond])
    frame = original(_reader(spark, options).schema(read), path)
    return frame.select(
        *_in_order(schema, column, [_typed(field).alias(field.name) for field in fields], _rescued(fields, beyond))
    )


def _reader(spark: Any, options: dict[str, Any]) -> Any:
    return spark.read.format("xml").options(**options)


def _schema(spark: Any, text: str) -> Any:
    """The schema that the user has given; None when there is none."""
    from pyspark.sql.types import _parse_datatype_json_string

    if not text:
        return None
    if text.lstrip().startswith("{"):
        return _parse_datatype_json_string(text)
    # PySpark's own parser asks whichever session is the active one, which may have been stopped
    return spark.createDataFrame([], text).schema


def _corrupt(options: dict[str, Any]) -> str:
    return next(
        (str(value) for key, value in options.items() if key.lower() == "columnnameofcorruptrecord"), "_corrupt_record"
    )


def _refuse_formats(options: dict[str, Any], schema: Any) -> None:
    given = sorted(key for key in options if key.lower() in FORMATS)
    if given and any(_is_cast(field) for field in schema.fields):
        raise NotImplementedError(
            f"rescuedDataColumn together with {', '.join(given)} is not available on the local engine; read the "
            "columns as STRING and convert them with to_date or to_timestamp"
        )


def _is_cast(field: Any) -> bool:
    """Whether a column is read as text first, so that a text which is no such value is kept."""
    from pyspark.sql.types import ArrayType, MapType, StringType, StructType, VariantType

    return not isinstance(field.dataType, (StringType, StructType, ArrayType, MapType, VariantType))


def _as_text(field: Any) -> Any:
    from pyspark.sql.types import StringType, StructField

    return StructField(field.name, StringType()) if _is_cast(field) else field


def _typed(field: Any) -> Any:
    from pyspark.sql import functions as f

    column = f.col(_quoted(field.name))
    return column.try_cast(field.dataType) if _is_cast(field) else column


def _rescued(fields: Sequence[Any], beyond: Sequence[Any]) -> Any:
    from pyspark.sql import functions as f

    kept = [f.col(_quoted(field.name)).alias(field.name) for field in beyond]
    for field in fields:
        if _is_cast(field):
            text = f.col(_quoted(field.name))
            kept.append(f.when(_typed(field).isNull(), text).alias(field.name))
    if not kept:
        return f.lit(None).cast("string")
    is_any = f.coalesce(*(column.cast("string") for column in kept)).isNotNull()
    path = f.col("_metadata.file_path").alias(FILE_PATH)
    return f.when(is_any, f.to_json(f.struct(*kept, path)))


def _in_order(schema: Any, column: str, typed: Sequence[Any], rescued: Any) -> list[Any]:
    """The columns where the schema has them; the rescued one last unless the schema names it."""
    found = list(typed)
    place = schema.names.index(column) if column in schema.names else len(found)
    found.insert(place, rescued.alias(column))
    return found


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
