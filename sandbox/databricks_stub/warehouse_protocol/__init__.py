"""The protocol of SQL warehouses: Thrift over HTTP, as databricks-sql-connector and with it the Airflow provider speak.

It is a second door to the statements that `/api/2.0/sql/statements` serves: both put them into the same store, and the
same runner executes them. Imported with the first request, so that nobody else pays for the codec.
"""
