"""The object store: LocalStack, or moto where the configuration says so."""

from __future__ import annotations

import os

from sandbox.config import Config
from sandbox.health import Probe
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.spec import ContainerForm, ProcessForm, Service, ServiceContext

OWN_BUCKET = "sandbox-airflow"
"""On kind: the logs of Airflow's tasks, and dumps of its database. No project's, whose buckets may be emptied."""


def _runtimes(config: Config) -> tuple[RuntimeRequest, ...]:
    return (RuntimeRequest(name=config.s3.implementation),)


def _process(context: ServiceContext) -> ProcessForm:
    folder = context.paths.root / "s3"
    temporary = folder / "tmp"
    port = context.ports["s3"]
    python = str(context.interpreters[context.config.s3.implementation])
    if context.config.s3.implementation == "moto":
        return ProcessForm(
            argv=(python, "-m", "moto.server", "--host", context.bind, "--port", str(port)),
            env={"TMPDIR": str(temporary)},
            cwd=folder,
            folders=(temporary,),
        )
    return ProcessForm(
        argv=(python, "-m", "sandbox.localstack_server"),
        # LocalStack keeps objects beyond 512 KiB in temporary files: beside the sandbox, not in a small /tmp
        env=context.islands
        | {
            "SERVICES": "s3,sts",
            "STRICT_SERVICE_LOADING": "1",
            # in a container too it shall use the folders named here, not those of LocalStack's own image
            "OVERRIDE_IN_DOCKER": "0",
            "GATEWAY_LISTEN": f"{context.bind}:{port}",
            "FILESYSTEM_ROOT": str(folder),
            "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(context.cache),
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
        },
        cwd=folder,
        folders=(temporary,),
    )


def _probe(context: ServiceContext) -> Probe:
    path = "/_localstack/health" if context.config.s3.implementation == "localstack" else "/moto-api/data.json"
    return Probe(kind="http", target=context.url("s3") + path)


def create_buckets(context: ServiceContext) -> str:
    """Create the buckets that do not exist; the detail that `status` shows names those that are configured."""
    import localstack_client.session
    from botocore.config import Config as ClientConfig

    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    session = localstack_client.session.Session(
        localstack_host=f"127.0.0.1:{context.ports['s3']}",
        aws_access_key_id=context.credentials.aws_access_key_id,
        aws_secret_access_key=context.credentials.aws_secret_access_key,
        region_name=context.config.s3.region,
    )
    # path style: `bucket.127.0.0.1` is no host name
    client = session.client("s3", config=ClientConfig(s3={"addressing_style": "path"}))
    existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    region = context.config.s3.region
    own = (OWN_BUCKET,) if context.config.backend == "kind" else ()
    for bucket in (*context.config.s3.buckets, *own):
        if bucket in existing:
            continue
        if region == "us-east-1":  # the one region that S3 refuses as a constraint
            client.create_bucket(Bucket=bucket)
        else:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    return ", ".join(f"s3://{bucket}" for bucket in context.config.s3.buckets)


SERVICE = Service(
    name="s3",
    title="S3",
    default_port=lambda config: config.s3.port,
    port_setting="s3.port",
    runtimes=_runtimes,
    process=_process,
    container=ContainerForm(image="localstack", pod="s3"),
    probe=_probe,
    url=lambda context: context.url("s3"),
    on_ready=create_buckets,
    # nothing of it outlives the process, and its orderly shutdown takes six seconds
    stop_seconds=0.2,
)
