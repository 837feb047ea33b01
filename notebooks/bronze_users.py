# Databricks notebook source
# MAGIC %md
# MAGIC # Bronze: `raw_users`
# MAGIC
# MAGIC `Users.xml` of the published snapshot, row for row and attribute for attribute, all as text. Nothing is judged
# MAGIC here.

# COMMAND ----------

dbutils.widgets.text("catalog", "projects")
dbutils.widgets.text("schema", "default")
dbutils.widgets.text("volume", "my_volume")
dbutils.widgets.text("snapshot", "")
dbutils.widgets.text("users_path", "")

# COMMAND ----------

# MAGIC %run ./shared

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
raw_users = table_name(catalog, schema, "raw_users")

# every attribute that a dump of any year has
ATTRIBUTES = [
    "Id",
    "Reputation",
    "CreationDate",
    "DisplayName",
    "EmailHash",
    "LastAccessDate",
    "WebsiteUrl",
    "Location",
    "Age",
    "AboutMe",
    "Views",
    "UpVotes",
    "DownVotes",
    "AccountId",
    "ProfileImageUrl",
]

# COMMAND ----------

path, expected_rows = find_file(
    f"/Volumes/{catalog}/{schema}/{dbutils.widgets.get('volume')}",
    "users",
    dbutils.widgets.get("users_path"),
    dbutils.widgets.get("snapshot"),
)
print(f"reading {path}")
rows = refresh(raw_users, read_rows(path, ATTRIBUTES), key="_key")

# COMMAND ----------

if expected_rows is not None and rows != expected_rows:
    raise ValueError(f"{raw_users} has {rows} rows, {path} has {expected_rows}")

display(spark.sql(f"SELECT Id, DisplayName, Reputation, Location FROM {raw_users} LIMIT 10"))

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"rows": rows}))
