"""A sandbox for test runs: started by who comes first, shared, taken down by who leaves last; handles for tests."""
