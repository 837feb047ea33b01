"""The options of `spark.read.format("xml")`. Documented: https://docs.databricks.com/query/formats/xml

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODES = ("PERMISSIVE", "DROPMALFORMED", "FAILFAST")
SUPPORTED = frozenset(
    {
        "rowtag",
        "attributeprefix",
        "valuetag",
        "nullvalue",
        "mode",
        "columnnameofcorruptrecord",
        "rescueddatacolumn",
        "ignoresurroundingspaces",
        "excludeattribute",
        "inferschema",
        "samplingratio",
        "ignorenamespace",
        "encoding",
        "charset",
        "treatemptyvaluesasnulls",
        "pathglobfilter",
        "recursivefilelookup",
    }
)
HARMLESS = frozenset({"path", "multiline", "singlevariantcolumn", "locale"})
"""They change nothing in what is read here, in the values below."""
DEFAULTS_ONLY = {"multiline": ("true", "false"), "singlevariantcolumn": ("",), "locale": ("en-us", "en_us", "en")}


class UnsupportedOption(NotImplementedError):
    """An option that would change what is read, and that is not implemented."""


@dataclass(frozen=True, kw_only=True)
class XmlOptions:
    """What the options say, with the defaults of Databricks."""

    row_tag: str
    attribute_prefix: str = "_"
    value_tag: str = "_VALUE"
    null_value: str | None = "null"
    mode: str = "PERMISSIVE"
    corrupt_column: str = "_corrupt_record"
    rescued_column: str = ""
    trim: bool = True
    exclude_attributes: bool = False
    infer_types: bool = True
    sampling_ratio: float = 1.0
    ignore_namespace: bool = False
    encoding: str = ""
    empty_is_null: bool = False
    time_zone: str = "UTC"
    """Of moments without one; the session's."""

    @staticmethod
    def parse(given: Mapping[str, str]) -> XmlOptions:
        """Read the options; keys in any case. Raises for what is wrong and for what is not supported."""
        options = {key.lower(): value for key, value in given.items() if not key.startswith("__")}
        _refuse_unsupported(options)
        if not options.get("rowtag"):
            raise ValueError(
                "[XML_ROW_TAG_MISSING] `rowTag` option is required for reading/writing files in XML format."
            )
        mode = options.get("mode", "PERMISSIVE").upper()
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode}")
        return XmlOptions(
            row_tag=options["rowtag"].strip("<>"),
            attribute_prefix=options.get("attributeprefix", "_"),
            value_tag=options.get("valuetag", "_VALUE"),
            null_value=options.get("nullvalue", "null"),
            mode=mode,
            corrupt_column=options.get("columnnameofcorruptrecord", "_corrupt_record"),
            rescued_column=options.get("rescueddatacolumn", ""),
            trim=_flag(options, "ignoresurroundingspaces", default=True),
            exclude_attributes=_flag(options, "excludeattribute", default=False),
            infer_types=_flag(options, "inferschema", default=True),
            sampling_ratio=float(options.get("samplingratio", "1.0")),
            ignore_namespace=_flag(options, "ignorenamespace", default=False),
            encoding=options.get("encoding", options.get("charset", "")),
            empty_is_null=_flag(options, "treatemptyvaluesasnulls", default=False),
            time_zone=given.get("__time_zone", "UTC"),
        )


def _refuse_unsupported(options: Mapping[str, str]) -> None:
    unknown = sorted(set(options) - SUPPORTED - HARMLESS)
    changed = [key for key, values in DEFAULTS_ONLY.items() if key in options and options[key].lower() not in values]
    if unknown or changed:
        names = ", ".join([*unknown, *(f"{key}={options[key]}" for key in changed)])
        raise UnsupportedOption(
            f"the local XML reader does not know the option(s) {names}; it knows {', '.join(sorted(SUPPORTED))}"
        )


def _flag(options: Mapping[str, str], key: str, *, default: bool) -> bool:
    text = options.get(key, str(default)).lower()
    if text not in ("true", "false"):
        raise ValueError(f"{key} is true or false, not {text}")
    return text == "true"
