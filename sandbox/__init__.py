"""A local-first development sandbox and test matrix for an Airflow 3 + S3 + Databricks data platform.

Imports nothing: the noxfile and the islands (`airflow_launcher`, `databricks_stub`, `archive.mirror`) are run by other
interpreters, which have none of the tool's dependencies.
"""

__version__ = "0.1.0"
