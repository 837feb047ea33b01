"""What a run of the matrix found: results as values, written, merged, shown."""
