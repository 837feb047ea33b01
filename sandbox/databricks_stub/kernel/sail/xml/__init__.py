"""The `xml` format, which Sail lacks."""
