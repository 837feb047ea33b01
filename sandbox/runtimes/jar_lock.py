"""`nox -s lock -- jars`: resolve the Java archives anew with Maven, and lock those that pyspark does not bring."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.runtimes.jars import Jar, file_sha256, read_jars
from sandbox.runtimes.locks import LockChange, pins
from sandbox.runtimes.registry import RuntimeSpec
from sandbox.runtimes.uv import RunUv

HEADER = "# The Java archives of {name}, with hash and size; `nox -s lock -- jars` writes this file.\n"
COPY = ("mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true")
ARTIFACT = re.compile(r"(?P<artifact>.+?)-\d[^/]*\.jar")


def lock_jars(spec: RuntimeSpec, *, uv: RunUv) -> LockChange:
    """Write the lock of a runtime's archives; needs `mvn` on the path and the network."""
    assert spec.jars_file is not None
    before = spec.jars_file.read_text("utf-8") if spec.jars_file.is_file() else ""
    wanted = spec.jars_file.with_suffix(".jars.wanted").read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="jars-") as name:
        folder = Path(name)
        brought = _brought_by_pyspark(spec, folder / "pyspark", uv)
        found = [jar for jar in _resolve(wanted, folder) if jar.artifact not in brought]
    text = HEADER.format(name=spec.name) + "".join(f"{jar.line}\n" for jar in sorted(found))
    spec.jars_file.write_text(text, "utf-8")
    return LockChange(name=f"{spec.name}.jars", changes=tuple(_changes(read_jars(before), tuple(found))))


def pom(wanted: str) -> str:
    """What Maven is told: one dependency for each line, less what stands after ` - `."""
    parts = []
    for line in wanted.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        coordinates, _, left_out = line.strip().partition(" - ")
        group, artifact, version = coordinates.split(":")
        exclusion = ""
        if left_out:
            other_group, other = left_out.split(":")
            exclusion = (
                f"<exclusions><exclusion><groupId>{other_group}</groupId><artifactId>{other}</artifactId>"
                "</exclusion></exclusions>"
            )
        parts.append(
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version>{exclusion}</dependency>"
        )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>jars</groupId><artifactId>jars</artifactId><version>1</version>"
        f"<dependencies>{''.join(parts)}</dependencies></project>"
    )


def _resolve(wanted: str, folder: Path) -> list[Jar]:
    if shutil.which("mvn") is None:
        raise PrerequisiteMissing(
            "the Java archives cannot be resolved", why="there is no `mvn`", next_command="apt-get install maven"
        )
    (folder / "pom.xml").write_text(pom(wanted), "utf-8")
    output = folder / "repository"
    ended = subprocess.run(
        [*COPY, f"-DoutputDirectory={output}"], cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise SandboxError("Maven could not resolve the Java archives", why=(ended.stdout + ended.stderr)[-2000:])
    return [_jar(path, output) for path in output.rglob("*.jar")]


def _jar(path: Path, repository: Path) -> Jar:
    *group, artifact, version, _ = path.relative_to(repository).parts
    return Jar(
        group=".".join(group),
        artifact=artifact,
        version=version,
        sha256=file_sha256(path),
        size_bytes=path.stat().st_size,
    )


def _brought_by_pyspark(spec: RuntimeSpec, folder: Path, uv: RunUv) -> set[str]:
    """The names of the archives in pyspark's package: a second netty or jackson would break Spark's start."""
    (version,) = pins(spec.lock_file.read_text("utf-8"))["pyspark"]
    folder.mkdir()
    outcome = uv(["pip", "install", "--no-deps", "--target", str(folder), f"pyspark=={version}"], folder=folder)
    if outcome.returncode != 0:
        raise SandboxError(f"pyspark {version} could not be looked into", why=outcome.tail)
    names = [path.name for path in folder.glob("pyspark/jars/*.jar")]
    return {match["artifact"] for name in names if (match := ARTIFACT.fullmatch(name))}


def _changes(before: tuple[Jar, ...], after: tuple[Jar, ...]) -> list[tuple[str, str | None, str | None]]:
    old = {f"{jar.group}:{jar.artifact}": jar.version for jar in before}
    new = {f"{jar.group}:{jar.artifact}": jar.version for jar in after}
    names = sorted(old.keys() | new.keys())
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
