"""The checks of `sandbox validate`: every DAG file imports, and DAGs, bundle, notebooks and settings fit each other.

Nothing but the DAG files is executed. The bundle is read as the workspace reads it; notebooks and the sources of DAGs
are parsed. What cannot be known before it runs is no finding.
"""
