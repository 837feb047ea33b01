# Databricks notebook source
# MAGIC %md
# MAGIC # Gold: `marts_top_tags`
# MAGIC
# MAGIC How many posts carry each tag: exact counts, one row per tag.

# COMMAND ----------

dbutils.widgets.text("catalog", "projects")
dbutils.widgets.text("schema", "default")

# COMMAND ----------

# MAGIC %run ./shared

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
stg_posts = table_name(catalog, schema, "stg_posts")
marts_top_tags = table_name(catalog, schema, "marts_top_tags")

# COMMAND ----------

tags = spark.sql(
    f"""
    SELECT tag_exploded, count(*) AS tags_count
    FROM (SELECT explode(TagsArray) AS tag_exploded FROM {stg_posts})
    GROUP BY tag_exploded
    """
)
rows = refresh(marts_top_tags, tags, key="tag_exploded")

# COMMAND ----------

display(spark.sql(f"SELECT * FROM {marts_top_tags} ORDER BY tags_count DESC, tag_exploded LIMIT 20"))

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"rows": rows}))
