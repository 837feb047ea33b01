"""The test matrix: cells as data, their selection, and their runs side by side."""
