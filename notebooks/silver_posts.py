# Databricks notebook source
# MAGIC %md
# MAGIC # Silver: `stg_posts`
# MAGIC
# MAGIC Posts with typed columns, the name of their type and their tags as an array. A row that cannot be read goes to
# MAGIC `stg_posts_quarantine` with the reasons; the row itself stays in `raw_posts` under the same `_key`.

# COMMAND ----------

dbutils.widgets.text("catalog", "projects")
dbutils.widgets.text("schema", "default")

# COMMAND ----------

# MAGIC %run ./shared

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
raw_posts = table_name(catalog, schema, "raw_posts")
stg_posts = table_name(catalog, schema, "stg_posts")
quarantine = table_name(catalog, schema, "stg_posts_quarantine")

# COMMAND ----------

TYPES = {
    "Id": "BIGINT",
    "PostTypeId": "INT",
    "ParentId": "BIGINT",
    "AcceptedAnswerId": "BIGINT",
    "CreationDate": "TIMESTAMP",
    "Score": "INT",
    "ViewCount": "BIGINT",
    "OwnerUserId": "BIGINT",
    "LastEditorUserId": "BIGINT",
    "LastEditDate": "TIMESTAMP",
    "LastActivityDate": "TIMESTAMP",
    "AnswerCount": "INT",
    "CommentCount": "INT",
    "FavoriteCount": "INT",
    "ClosedDate": "TIMESTAMP",
    "CommunityOwnedDate": "TIMESTAMP",
    "DeletionDate": "TIMESTAMP",
}
TEXTS = ["Title", "Body", "OwnerDisplayName", "LastEditorDisplayName", "ContentLicense"]
REQUIRED = ["Id", "PostTypeId", "CreationDate", "Score"]
# https://data.stackexchange.com: table PostTypes
POST_TYPES = {
    1: "Question",
    2: "Answer",
    3: "Wiki",
    4: "TagWikiExcerpt",
    5: "TagWiki",
    6: "ModeratorNomination",
    7: "WikiPlaceholder",
    8: "PrivilegeWiki",
    9: "Article",
    10: "HelpArticle",
    12: "Collection",
    13: "ModeratorQuestionnaireResponse",
    14: "Announcement",
    15: "CollectiveDiscussion",
    17: "CollectiveCollection",
}

# COMMAND ----------

# tags are `<a><b>` in dumps before 2024 and `|a|b|` since
TAGS_ODD = r"""
    CASE WHEN Tags <> '' AND NOT Tags RLIKE '^(<[^<>|]+>)+$' AND NOT Tags RLIKE '^[|]([^<>|]+[|])+$'
         THEN 'Tags are written in an unknown way' END
"""
NOT_THE_FIRST = "CASE WHEN _key <> coalesce(Id, '') THEN 'an earlier row has the same Id' END"
reasons = [
    *(missing(column) for column in REQUIRED),
    *(unreadable(column, kind) for column, kind in TYPES.items()),
    TAGS_ODD,
    NOT_THE_FIRST,
]
typed = [
    f"try_cast(`{column}` AS {kind}) AS `{'PostId' if column == 'Id' else column}`" for column, kind in TYPES.items()
]
type_names = " ".join(f"WHEN {number} THEN '{name}'" for number, name in POST_TYPES.items())

checked = spark.sql(
    f"""
    SELECT
        _key,
        Id,
        concat_ws('; ', {", ".join(reasons)}) AS Reasons,
        {", ".join(typed)},
        CASE try_cast(PostTypeId AS INT) {type_names} ELSE concat('Unknown (', PostTypeId, ')') END AS PostTypeName,
        Tags,
        array_remove(split(coalesce(Tags, ''), '[<>|]+'), '') AS TagsArray,
        {", ".join(f"`{column}`" for column in TEXTS)},
        _rescued_data
    FROM {raw_posts}
    """
)
checked.createOrReplaceTempView("checked_posts")

# COMMAND ----------

good = spark.sql("SELECT * FROM checked_posts WHERE Reasons = ''").drop("_key", "Id", "Reasons")
bad = spark.sql("SELECT _key, Id, Reasons FROM checked_posts WHERE Reasons <> ''")
good_rows = refresh(stg_posts, good, key="PostId")
bad_rows = refresh(quarantine, bad, key="_key")

# COMMAND ----------

raw_rows = count_rows(raw_posts)
if good_rows + bad_rows != raw_rows:
    raise ValueError(f"{raw_posts} has {raw_rows} rows, but {good_rows} are good and {bad_rows} are not")

display(spark.sql(f"SELECT Reasons, count(*) AS posts FROM {quarantine} GROUP BY Reasons ORDER BY posts DESC LIMIT 20"))

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"rows": good_rows, "quarantined": bad_rows}))
