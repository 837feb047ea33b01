"""pandas' Parquet functions, which hand paths to C++: given a path in a volume, they get a file object instead."""

from __future__ import annotations

import functools
import io
import os
from typing import Any

from sandbox.databricks_stub.kernel.volumes.patches import remote_path

_installed: list[bool] = []


def install() -> None:
    """Bridge read_parquet and to_parquet, and the same in pyarrow."""
    if _installed:
        return
    _installed.append(True)
    import pandas
    import pyarrow.parquet

    pandas.read_parquet = _reading(pandas.read_parquet)
    pyarrow.parquet.read_table = _reading(pyarrow.parquet.read_table)
    pandas.DataFrame.to_parquet = _writing(pandas.DataFrame.to_parquet)
    pyarrow.parquet.write_table = _writing(pyarrow.parquet.write_table)


def _reading(original: Any) -> Any:
    @functools.wraps(original)
    def read(path: Any, *args: Any, **kwargs: Any) -> Any:
        if not remote_path(path):
            return original(path, *args, **kwargs)
        if os.path.isdir(path):
            raise NotImplementedError(f"{path} is a folder; read it with spark.read.parquet, or its files one by one")
        with open(path, "rb") as stream:
            return original(stream, *args, **kwargs)

    return read


def _writing(original: Any) -> Any:
    @functools.wraps(original)
    def write(data: Any, path: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not remote_path(path):
            return original(data, path, *args, **kwargs)
        if kwargs.get("partition_cols"):
            raise NotImplementedError(f"{path}: write partitioned files with spark.write.parquet")
        # not the file itself: pandas would hand the name of a real file to C++
        buffer = io.BytesIO()
        original(data, buffer, *args, **kwargs)
        with open(path, "wb") as stream:
            stream.write(buffer.getvalue())
        return None

    return write
