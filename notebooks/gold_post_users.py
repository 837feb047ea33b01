# Databricks notebook source
# MAGIC %md
# MAGIC # Gold: `marts_posts_users`
# MAGIC
# MAGIC Every post with its owner beside it. `Id` is the user's; it is NULL for posts whose owner is unknown or gone.
# MAGIC Users whose row cannot be read are listed in `marts_posts_users_quarantine`; their posts stay, without an
# MAGIC owner.

# COMMAND ----------

dbutils.widgets.text("catalog", "projects")
dbutils.widgets.text("schema", "default")

# COMMAND ----------

# MAGIC %run ./shared

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
raw_users = table_name(catalog, schema, "raw_users")
stg_posts = table_name(catalog, schema, "stg_posts")
marts_posts_users = table_name(catalog, schema, "marts_posts_users")
quarantine = table_name(catalog, schema, "marts_posts_users_quarantine")

# COMMAND ----------

NOT_THE_FIRST = "CASE WHEN _key <> coalesce(Id, '') THEN 'an earlier row has the same Id' END"
reasons = [
    missing("Id"),
    missing("Reputation"),
    unreadable("Id", "BIGINT"),
    unreadable("Reputation", "INT"),
    NOT_THE_FIRST,
]

spark.sql(
    f"""
    SELECT
        _key,
        Id AS RawId,
        concat_ws('; ', {", ".join(reasons)}) AS Reasons,
        try_cast(Id AS BIGINT) AS Id,
        try_cast(Reputation AS INT) AS Reputation,
        DisplayName,
        Location,
        try_cast(CreationDate AS TIMESTAMP) AS UserCreationDate
    FROM {raw_users}
    """
).createOrReplaceTempView("checked_users")

# COMMAND ----------

posts_users = spark.sql(
    f"""
    SELECT
        p.PostId,
        p.PostTypeId,
        p.PostTypeName,
        p.ParentId,
        p.CreationDate,
        p.Score,
        p.ViewCount,
        p.AnswerCount,
        p.CommentCount,
        p.Title,
        p.TagsArray,
        p.OwnerUserId,
        p.OwnerDisplayName,
        u.Id,
        u.DisplayName,
        u.Reputation,
        u.Location,
        u.UserCreationDate
    FROM {stg_posts} AS p
    LEFT JOIN (SELECT * FROM checked_users WHERE Reasons = '') AS u ON p.OwnerUserId = u.Id
    """
)
rows = refresh(marts_posts_users, posts_users, key="PostId")
bad_users = spark.sql("SELECT _key, RawId AS Id, Reasons FROM checked_users WHERE Reasons <> ''")
bad_rows = refresh(quarantine, bad_users, key="_key")

# COMMAND ----------

if rows != count_rows(stg_posts):
    raise ValueError(f"{marts_posts_users} has {rows} rows, {stg_posts} has {count_rows(stg_posts)}")

display(
    spark.sql(
        f"""
        SELECT PostTypeName, count(*) AS posts, round(avg(Score), 2) AS average_score, count(DISTINCT Id) AS owners
        FROM {marts_posts_users} GROUP BY PostTypeName ORDER BY posts DESC
        """
    )
)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"rows": rows, "quarantined_users": bad_rows}))
