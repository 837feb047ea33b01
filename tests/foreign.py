"""Another team's repository: other folders, names and habits than this one's, and nothing that knows of a sandbox."""

from __future__ import annotations

import json
from pathlib import Path

EXPORT = '''
"""Orders of a day as CSV into the lake, then the job that counts them."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.models import Variable
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.providers.standard.operators.python import PythonOperator
from common.names import JOB, LAKE_CONNECTION


def export(**context):
    lines = ["order_id,customer,cents"] + [f"{number},customer-{number % 7},{number * 100}" for number in range(1, 51)]
    key = f"{Variable.get('landing_prefix', default_var='incoming')}/orders.csv"
    hook = S3Hook(LAKE_CONNECTION)
    hook.load_string("\\n".join(lines), key=key, bucket_name="orders-lake", replace=True)


with DAG(
    dag_id="orders_daily",
    schedule="@daily",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    default_args={"owner": "orders", "retries": 1, "retry_delay": timedelta(seconds=5)},
) as dag:
    exported = PythonOperator(task_id="export_orders", python_callable=export, pool="exports")
    counted = DatabricksRunNowOperator(
        task_id="count_orders", databricks_conn_id="dbx_analytics", job_name=JOB, polling_period_seconds=1
    )
    exported >> counted
'''
NAMES = """
LAKE_CONNECTION = "lake_s3"
JOB = "orders_medallion"
"""
HOUSEKEEPING = """
from airflow.sdk import dag, task
from humanize import naturalsize


@dag(schedule=None, tags=["housekeeping"])
def vacuum_tables():
    @task
    def nothing_to_do():
        return naturalsize(1000)

    nothing_to_do()


vacuum_tables()
"""
BUNDLE = """
bundle:
  name: analytics
include:
  - jobs/*.yml
variables:
  catalog:
    default: commerce
targets:
  dev:
    default: true
  prod:
    mode: production
"""
JOB = """
resources:
  jobs:
    orders:
      name: orders_medallion
      parameters:
        - name: catalog
          default: ${var.catalog}
      tasks:
        - task_key: bronze
          notebook_task:
            notebook_path: ../src/bronze_orders.ipynb
        - task_key: revenue
          depends_on:
            - task_key: bronze
          notebook_task:
            notebook_path: ../src/revenue.sql
"""
BRONZE = [
    'dbutils.widgets.text("catalog", "commerce")\ncatalog = dbutils.widgets.get("catalog")',
    """from pyspark.sql import functions as F
orders = spark.read.option("header", True).csv("/Volumes/commerce/bronze/landing/orders.csv")
orders = orders.withColumn("cents", F.col("cents").cast("int"))
orders.write.mode("overwrite").saveAsTable(f"{catalog}.bronze.orders")""",
]
REVENUE = """-- Databricks notebook source
CREATE OR REPLACE TABLE commerce.gold.revenue AS
SELECT customer, sum(cents) AS cents FROM commerce.bronze.orders GROUP BY customer
"""
DOCKERFILE = "FROM apache/airflow:3.0.2-python3.11\nENV AIRFLOW_VAR_LANDING_PREFIX=landing\n"
OWN_PACKAGE = "humanize==4.12.3"
"""What the team's DAGs need beyond the row's packages."""
ORDERS = 50
REVENUE_OF_CUSTOMER_1 = sum(number * 100 for number in range(1, 51) if number % 7 == 1)


def _notebook(cells: list[str]) -> str:
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"language_info": {"name": "python"}},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source.splitlines(keepends=True),
                }
                for number, source in enumerate(cells)
            ],
        }
    )


FILES = {
    "orchestration/dags/orders/export.py": EXPORT,
    "orchestration/dags/housekeeping.py": HOUSEKEEPING,
    "orchestration/dags/common/__init__.py": "",
    "orchestration/dags/common/names.py": NAMES,
    "orchestration/Dockerfile": DOCKERFILE,
    "orchestration/requirements.txt": f"{OWN_PACKAGE}\n",
    "analytics/databricks.yml": BUNDLE,
    "analytics/jobs/orders.yml": JOB,
    "analytics/src/bronze_orders.ipynb": _notebook(BRONZE),
    "analytics/src/revenue.sql": REVENUE,
    "README.md": "# Orders\n",
}


def make_repository(folder: Path) -> Path:
    """Write the repository to `folder`, which must not exist; returns it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
