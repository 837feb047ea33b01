# Databricks notebook source
# MAGIC %md
# MAGIC # Bronze: `raw_posts`
# MAGIC
# MAGIC `Posts.xml` of the published snapshot, row for row and attribute for attribute, all as text. Nothing is judged
# MAGIC here.

# COMMAND ----------

dbutils.widgets.text("catalog", "projects")
dbutils.widgets.text("schema", "default")
dbutils.widgets.text("volume", "my_volume")
dbutils.widgets.text("snapshot", "")
dbutils.widgets.text("posts_path", "")

# COMMAND ----------

# MAGIC %run ./shared

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
raw_posts = table_name(catalog, schema, "raw_posts")

# every attribute that a dump of any year has
ATTRIBUTES = [
    "Id",
    "PostTypeId",
    "AcceptedAnswerId",
    "ParentId",
    "CreationDate",
    "DeletionDate",
    "Score",
    "ViewCount",
    "Body",
    "OwnerUserId",
    "OwnerDisplayName",
    "LastEditorUserId",
    "LastEditorDisplayName",
    "LastEditDate",
    "LastActivityDate",
    "Title",
    "Tags",
    "AnswerCount",
    "CommentCount",
    "FavoriteCount",
    "ClosedDate",
    "CommunityOwnedDate",
    "ContentLicense",
]

# COMMAND ----------

path, expected_rows = find_file(
    f"/Volumes/{catalog}/{schema}/{dbutils.widgets.get('volume')}",
    "posts",
    dbutils.widgets.get("posts_path"),
    dbutils.widgets.get("snapshot"),
)
print(f"reading {path}")
rows = refresh(raw_posts, read_rows(path, ATTRIBUTES), key="_key")

# COMMAND ----------

if expected_rows is not None and rows != expected_rows:
    raise ValueError(f"{raw_posts} has {rows} rows, {path} has {expected_rows}")

display(spark.sql(f"SELECT PostTypeId, count(*) AS posts FROM {raw_posts} GROUP BY PostTypeId ORDER BY posts DESC"))

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"rows": rows}))
