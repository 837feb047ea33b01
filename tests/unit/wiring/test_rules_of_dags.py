"""The rules about assets, connections, Variables, volumes and secrets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.wiring.conftest import Project, asset

POSTS = asset("posts", "s3://raw/posts.xml")


def test_two_files_define_one_dag(project: Project) -> None:
    """Airflow keeps the one that it parsed last; the finding names both."""
    project.write("dags/again.py", "@dag(schedule=None)\ndef other():\n    ...\n")
    project.dag("other")
    project.dag("again")
    project.dags.append(project.dags[0] | {"file": str(project.root / "dags" / "again.py")})

    (found,) = project.findings("dag-unique")

    assert (found.place.shown(project.root), found.subject) == ("dags/other.py:1", "other")
    assert "dags/again.py:2" in found.message


def test_what_is_wrong_with_a_whole_dag_has_its_line(project: Project) -> None:
    """Airflow says of a circle only which DAG it is in."""
    path = project.write(
        "dags/round.py", "import x\n\n@dag(schedule=None)\ndef one():\n    ...\n\n@dag\ndef two(): ...\n"
    )
    error = {"file": str(path), "line": None, "message": "AirflowDagCycleException: Cycle detected in DAG: two."}

    (found,) = project.verdict(error).errors

    assert found.place.shown(project.root) == "dags/round.py:8"


def test_an_asset_that_nobody_writes(project: Project) -> None:
    """A warning: its events may come from elsewhere. An address that is nearly right is an error."""
    project.dag("producer", outlets=[POSTS])
    project.dag("far", waits=[asset("x", "x-other://y")])
    project.dag("near", waits=[asset("post", "s3://raw/post.xml")])
    project.write("dags/near.py", 'x = 1\nwith DAG("near", schedule=[POST]):\n    pass\n')

    assert project.places("asset-produced") == [
        ("error", "dags/near.py:2", "s3://raw/post.xml"),
        ("warning", "dags/far.py:1", "x-other://y"),
    ]


@pytest.mark.parametrize("other", ["s3://raw/customers_us.csv", "s3://raw/customers_eu_2.csv"])
def test_addresses_that_differ_by_a_word_or_number_are_two(project: Project, other: str) -> None:
    """A warning: what is waited for may come from elsewhere."""
    project.dag("producer", outlets=[asset("mine", other)])
    project.dag("consumer", waits=[asset("theirs", "s3://raw/customers_eu.csv")])

    assert [severity for severity, _, _ in project.places("asset-produced")] == ["warning"]


def test_one_asset_under_two_names(project: Project) -> None:
    """Airflow takes name and address together: an event of the one is none of the other."""
    project.dag("producer", outlets=[POSTS])
    project.dag("consumer", waits=[asset("Posts", "s3://raw/posts.xml")])

    assert "under another name: posts" in project.findings("asset-produced")[0].message


@pytest.mark.parametrize(
    "waits",
    [POSTS, {"kind": "reference", "name": "posts", "uri": None}, asset("q", "sqs://q", watched=True)],
    ids=["same", "reference", "watched"],
)
def test_assets_that_somebody_writes(project: Project, waits: dict[str, Any]) -> None:
    """An outlet, a reference to one, and what a watcher looks for."""
    project.dag("producer", outlets=[POSTS])
    project.dag("consumer", waits=[waits])

    assert project.findings("asset-produced") == []


def test_an_alias_may_become_any_asset(project: Project) -> None:
    """A task with an alias says at run time what it has written."""
    project.dag("producer", outlets=[{"kind": "alias", "name": "daily", "uri": None, "watched": False}])
    project.dag("consumer", waits=[POSTS, {"kind": "alias", "name": "daily", "uri": None, "watched": False}])

    assert project.findings("asset-produced") == []


@pytest.mark.parametrize("argument", ["trigger_dag_id", "external_dag_id"])
def test_a_dag_that_is_a_slip_of_another(project: Project, argument: str) -> None:
    """The line is that of the argument."""
    project.write("dags/starter.py", f'Some(\n    task_id="run",\n    {argument}="consumr",\n)\n')
    project.dag("consumer")
    project.dag("starter", dags={argument: "consumr"})

    (found,) = project.findings("dag-known")
    assert (str(found.severity), found.place.shown(project.root)) == ("warning", "dags/starter.py:3")
    assert found.hint == "did you mean 'consumer'?"


@pytest.mark.parametrize("name", ["consumer", "starter", "of_another_team", "{{ params.dag }}", "consumer_2"])
def test_a_dag_that_is_there_or_elsewhere(project: Project, name: str) -> None:
    """What is alike to nothing here lives in another repository."""
    project.dag("consumer")
    project.dag("starter", dags={"trigger_dag_id": name})

    assert project.findings("dag-known") == []


def test_a_pool_that_nobody_makes(project: Project) -> None:
    """A task in it never starts; the hint is the line to add."""
    project.write("dags/consumer.py", 'Some(\n    task_id="run",\n    pool="exports",\n)\n')
    project.dag(pool="exports")
    project.dag("other", pool="two words")

    assert [
        (str(finding.severity), finding.place.shown(project.root), finding.hint)
        for finding in project.findings("pool-defined")
    ] == [
        ("error", "dags/consumer.py:3", "add to [airflow.pools]: exports = { slots = 4 }"),
        ("error", "dags/other.py:1", 'add to [airflow.pools]: "two words" = { slots = 4 }'),
    ]


def test_the_pool_of_a_function_has_its_line(project: Project) -> None:
    """In the decorator, which names no task_id."""
    project.write("dags/consumer.py", '@task(\n    retries=1,\n    pool="exports",\n)\ndef run(): ...\n')
    project.dag(pool="exports")

    assert project.places("pool-defined") == [("error", "dags/consumer.py:3", "exports")]


@pytest.mark.parametrize("pool", ["exports", "default_pool", None])
def test_a_pool_that_is_made(project: Project, pool: str | None) -> None:
    """By the setting, or by Airflow itself."""
    project.write("sandbox.toml", "[airflow.pools]\nexports = { slots = 1 }\n")
    project.dag(pool=pool)

    assert project.findings("pool-defined") == []


def test_without_all_dags_nobody_is_accused(project: Project) -> None:
    """The producer may be in the file that did not import: the rule is skipped and says so."""
    project.dag("consumer", waits=[POSTS])

    verdict = project.verdict({"file": "/x/dags/producer.py", "line": 3, "message": "SyntaxError", "traceback": ""})

    assert [finding.rule for finding in verdict.errors] == ["dag-imports"]
    assert verdict.skipped.keys() == {"asset-produced", "dag-known"}


def test_assets_in_other_buckets_and_other_folders(project: Project) -> None:
    """A bucket that the sandbox does not have, and a folder that the job's notebooks do not read."""
    project.write(
        "sandbox.toml", '[s3]\nbuckets = ["lake"]\n[databricks.volumes]\n"main.default.raw" = "s3://lake/raw/"\n'
    )
    project.notebook("a", 'spark.read.csv("/Volumes/main/default/raw/x.csv")')
    project.tasks("a")
    project.dag("producer", outlets=[asset("far", "s3://lkae/raw/x")])
    run = {"databricks": {"job_name": "etl"}}
    inside = [asset("in", "s3://lake/raw/x"), asset("the folder itself", "s3://lake/raw")]
    project.dag("consumer", waits=[*inside, asset("out", "s3://lake/other/x")], **run)

    assert [subject for _, _, subject in project.places("asset-location")] == ["s3://lake/other/x", "s3://lkae/raw/x"]


def test_a_connection_that_nobody_defines(project: Project) -> None:
    """The line is that of the argument; an operator's default is a warning; what is defined is fine."""
    project.write("sandbox.toml", '[airflow.connections]\naws_conn = { service = "s3" }\n')
    project.write("dags/names.py", 'AWS = "aws_con"\n')
    project.write(
        "dags/consumer.py",
        'from names import AWS\n\nrun = Operator(task_id="run", aws_conn_id=AWS)\nhook = Hook(conn_id="aws_conn")\n',
    )
    project.dag(connections={"aws_conn_id": "aws_con", "databricks_conn_id": "databricks_default"})

    assert project.places("connection-defined") == [
        ("error", "dags/consumer.py:3", "aws_con"),
        ("warning", "dags/consumer.py:3", "databricks_default"),
    ]
    assert project.findings("connection-defined")[0].hint == "did you mean 'aws_conn'?"


def test_the_connection_of_a_hook(project: Project) -> None:
    """Hooks take it as their first argument too; other hooks have something else there."""
    project.write("sandbox.toml", '[airflow.connections]\naws_conn = { service = "s3" }\n')
    project.write("dags/consumer.py", 'S3Hook("aws_conn")\nhook = DatabricksHook("databricks")\nHttpHook("GET")\n')
    project.dag()

    assert project.places("connection-defined") == [("error", "dags/consumer.py:2", "databricks")]


NO_CONNECTIONS = {
    "any object's method": 'def f(pool):\n    return pool.get_connection("main")',
    "a client": 'client = make()\nclient.configure(my_conn_id="main")',
    "a function": 'def load(conn_id):\n    ...\n\nload(conn_id="main")',
    "a class of one's own": "@dataclass\nclass Row:\n    conn_id: str\n\nRow(conn_id='main')",
    "a class's own method": 'class Pool:\n    def get(self):\n        return self.get_connection("main")',
    "another library's Connection": 'from kombu import Connection\nConnection.get("main")',
    "a model": "from db import Record\nRecord(conn_id='main')",
    "with somebody who catches": 'try:\n    BaseHook.get_connection("main")\nexcept AirflowException:\n    pass',
    "with a context that catches": 'with suppress(Exception):\n    S3Hook("main")',
    "in a docstring": 'def f():\n    """Use {{ conn.main.host }}."""',
}


@pytest.mark.parametrize("code", NO_CONNECTIONS.values(), ids=NO_CONNECTIONS)
def test_what_only_looks_like_a_connection(project: Project, code: str) -> None:
    """Other libraries have connections, too."""
    project.dag("x")
    project.write("dags/db.py", "class Record(BaseModel):\n    conn_id: str\n")
    project.write("dags/x.py", f"{code}\n")

    assert project.findings("connection-defined") == []


CONNECTIONS = {
    "a hook's class": 'BaseHook.get_connection(conn_id="main")',
    "a hook": 'hook = S3Hook()\nhook.get_connection("main")',
    "a hook of a with": 'with SftpHook() as hook:\n    hook.get_connection("main")',
    "a hook's own class": 'class My(BaseHook):\n    def get(self):\n        return self.get_connection("main")',
    "an operator of one's own": "class Load(BaseOperator):\n    ...\n\nLoad(task_id='a', lake_conn_id='main')",
    "one that inherits from it": "class A(BaseSensor):\n    ...\nclass B(A):\n    ...\n\nB(lake_conn_id='main')",
    "one of another file": "from ops import Load\nLoad(lake_conn_id='main')",
    "a mapped operator": "S3ListOperator.partial(task_id='a', aws_conn_id='main').expand(prefix=[1])",
    "a decorator": "@task.sql(conn_id='main')\ndef f(): ...",
    "a function of Airflow's": (
        "from airflow.providers.smtp.notifications.smtp import send_smtp_notification\n"
        "send_smtp_notification(smtp_conn_id='main')"
    ),
    "a class of another library": "from cosmos.profiles import Mapping\nMapping(conn_id='main')",
    "Airflow's Connection": 'from airflow.sdk import Connection as C\nC.get("main")',
    "finally is no help": 'try:\n    S3Hook("main")\nfinally:\n    pass',
    "in a template": 'command = "echo {{ conn.main.host }}"',
}


@pytest.mark.parametrize("code", CONNECTIONS.values(), ids=CONNECTIONS)
def test_what_is_a_connection(project: Project, code: str) -> None:
    """However it is named."""
    project.dag("x")
    project.write("dags/ops.py", "class Load(BaseOperator):\n    ...\n")
    project.write("dags/x.py", f"{code}\n")

    assert [subject for _, _, subject in project.places("connection-defined")] == ["main"]


NO_VARIABLES = {
    "a try": 'try:\n    x = Variable.get("a")\nexcept KeyError:\n    x = None',
    "suppress": 'with suppress(KeyError):\n    x = Variable.get("a")',
    "another class": 'from tkinter import Variable\nVariable.get("a")',
    "a dict of arguments": 'Variable.get("a", **options)',
    "a docstring": '"""Give {{ var.value.a }}."""\n\ndef f():\n    """And {{ var.json.b }}."""',
}


@pytest.mark.parametrize("code", NO_VARIABLES.values(), ids=NO_VARIABLES)
def test_variables_that_may_be_missing(project: Project, code: str) -> None:
    """Somebody catches it, or nobody asks."""
    project.dag("x")
    project.write("dags/x.py", f"{code}\n")

    assert project.findings("variable-defined") == []


def test_a_connection_of_this_shell_only(project: Project) -> None:
    """It is defined, but not where the sandbox's Airflow looks."""
    project.environ["AIRFLOW_CONN_FTP"] = "ftp://x"
    project.dag("x")
    project.write("dags/x.py", 'def f():\n    return BaseHook.get_connection("ftp")\n')

    (found,) = project.findings("connection-defined")
    assert (found.severity, found.place.line) == ("warning", 2)


def test_variables(project: Project) -> None:
    """Read by code or by a template, without a default and not defined."""
    project.write("sandbox.toml", '[airflow.variables]\nbucket = "lake"\n')
    project.dag("x")
    project.write(
        "dags/x.py",
        """
        from airflow.sdk import Variable

        def f(name):
            Variable.get("bucket"), Variable.get(name), Variable.get("a", default=None), Variable.get("b", "c")
            return Variable.get("bukcet")

        command = "echo {{ var.value.bucket }} {{ var.value.get('d', 'e') }} {{ var.json.missing }} var.value.prose"
        """,
    )

    assert project.places("variable-defined") == [
        ("error", "dags/x.py:5", "bukcet"),
        ("error", "dags/x.py:7", "missing"),
    ]


def test_what_no_dag_imports_names_nothing(project: Project) -> None:
    """Files that lie in the folder and belong to no DAG are left alone; what a DAG imports, also late, is not."""
    project.dag("x")
    project.write("dags/x.py", "def f():\n    from inner import hooks\n")
    project.write("dags/inner/hooks.py", 'import far\nHook(conn_id="near")\n')
    project.write("dags/far.py", 'Variable.get("far")\n')
    project.write("dags/old/unused.py", 'Hook(conn_id="nobody")\nVariable.get("nobody")\n')

    assert project.places("connection-defined") == [("error", "dags/inner/hooks.py:2", "near")]
    assert project.places("variable-defined") == [("error", "dags/far.py:1", "far")]


def test_volumes_and_secrets(project: Project) -> None:
    """What a notebook names and sandbox.toml does not define."""
    project.write(
        "sandbox.toml",
        '[databricks]\ncatalog = "main"\n[databricks.volumes]\n"main.default.raw" = "s3://lake/raw/"\n'
        '[databricks.secrets.api]\nkey = "x"\n',
    )
    project.notebook(
        "a",
        'catalog = "main"\nroot = f"/Volumes/{catalog}/default/raw"\nopen(root + "/x")',
        'spark.read.text("/Volumes/main/default/rwa/x")\nopen(f"/Volumes/{unknown}/default/raw/x")',
        'dbutils.secrets.get("api", "key")\ndbutils.secrets.get(scope="api", key="token")',
    )
    project.tasks("a")

    assert project.places("volume-known") == [("error", "notebooks/a.py:9", "main.default.rwa")]
    assert project.places("secret-defined") == [("error", "notebooks/a.py:15", "api/token")]


def test_findings_that_are_meant_are_left_out(project: Project) -> None:
    """By rule, or by rule and subject; the number is told."""
    project.write("sandbox.toml", '[wiring]\nignore = ["asset-produced:x-other://*", "connection-*"]\n')
    project.dag("consumer", waits=[asset("x", "x-other://y"), POSTS], connections={"conn_id": "nothing"})

    verdict = project.verdict()

    assert [finding.subject for finding in verdict.findings if finding.rule != "asset-location"] == [POSTS["uri"]]
    assert verdict.ignored == 2
