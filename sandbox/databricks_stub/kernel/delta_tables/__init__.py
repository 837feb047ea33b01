"""`delta.tables` in terms of SQL, for engines whose sessions have no package for it."""
