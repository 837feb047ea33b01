"""Java archives: the lock, and their way from a repository into the cache and a runtime."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.runtimes import jars
from sandbox.runtimes.jar_lock import pom
from sandbox.runtimes.jars import Jar
from sandbox.runtimes.maven import MavenAccess, Repository
from sandbox.runtimes.registry import RUNTIMES

CONTENT = b"an archive"


def a_jar(content: bytes = CONTENT, artifact: str = "thing_2.13") -> Jar:
    """An archive of that content."""
    return Jar(
        group="org.example",
        artifact=artifact,
        version="1.0",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )


class Maven:
    """A repository on loopback; `answers` are the states of the next requests, 200 when there are none."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        maven = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                maven.paths.append(self.path)
                maven.authorizations.append(self.headers.get("Authorization"))
                state = maven.answers.pop(0) if maven.answers else 200
                self.send_response(state)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(CONTENT)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/maven2"

    def access(self, auth: tuple[str, str] | None = None) -> MavenAccess:
        """This repository and nothing else."""
        return MavenAccess(repositories=(Repository(url=self.url, auth=auth),))


@pytest.fixture
def maven() -> Iterator[Maven]:
    """A running repository."""
    made = Maven()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_the_committed_lock_is_readable_sorted_and_names_no_host() -> None:
    """Each line is coordinates, hash and size."""
    file = RUNTIMES["engine-spark"].jars_file
    assert file is not None
    text = file.read_text("utf-8")

    found = jars.read_jars(text)

    assert len(found) > 20
    assert list(found) == sorted(found)
    assert len({jar.file_name for jar in found}) == len(found)
    assert "://" not in text


def test_a_line_that_is_none_is_an_error() -> None:
    """The line and its number are told."""
    with pytest.raises(SandboxError, match="line 2") as raised:
        jars.read_jars("# a comment\norg.example:thing:1.0\n")

    assert raised.value.why == "org.example:thing:1.0"


def test_an_archive_is_fetched_once(maven: Maven, tmp_path: Path) -> None:
    """The second time it is taken from the cache."""
    for _ in range(2):
        found = jars.provide([a_jar()], cache=tmp_path, access=maven.access(("me", "secret")))

        assert found[a_jar()].read_bytes() == CONTENT
    assert maven.paths == ["/maven2/org/example/thing_2.13/1.0/thing_2.13-1.0.jar"]
    assert maven.authorizations == ["Basic bWU6c2VjcmV0"]


def test_a_damaged_archive_in_the_cache_is_fetched_again(maven: Maven, tmp_path: Path) -> None:
    """The cache is believed by hash only."""
    stored = jars.provide([a_jar()], cache=tmp_path, access=maven.access())[a_jar()]
    stored.write_bytes(b"xx archive")

    jars.provide([a_jar()], cache=tmp_path, access=maven.access())

    assert stored.read_bytes() == CONTENT
    assert len(maven.paths) == 2


def test_a_repository_that_is_busy_is_asked_again(maven: Maven, tmp_path: Path) -> None:
    """503 passes."""
    maven.answers = [503]

    jars.provide([a_jar()], cache=tmp_path, access=maven.access())

    assert len(maven.paths) == 2


def test_another_file_under_the_name_is_refused(maven: Maven, tmp_path: Path) -> None:
    """What does not have the lock's hash is never used, and not kept."""
    wanted = a_jar(b"what was locked")

    with pytest.raises(SandboxError, match="not the one of the lock"):
        jars.provide([wanted], cache=tmp_path, access=maven.access())

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_cannot_be_had_is_named_with_the_reason(maven: Maven, tmp_path: Path) -> None:
    """404 is final."""
    maven.answers = [404]

    with pytest.raises(PrerequisiteMissing, match="1 Java archives") as raised:
        jars.provide([a_jar()], cache=tmp_path, access=maven.access())

    assert "org.example:thing_2.13:1.0" in raised.value.why
    assert "HTTP 404" in raised.value.why
    assert "SANDBOX_MAVEN_URL" in raised.value.next_command


@pytest.mark.parametrize("layout", ["thing_2.13-1.0.jar", "org/example/thing_2.13/1.0/thing_2.13-1.0.jar"])
def test_a_folder_serves_without_a_network(layout: str, tmp_path: Path) -> None:
    """Flat as a bundle is, or laid out as a repository is."""
    file = tmp_path / "carried" / layout
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)

    found = jars.provide([a_jar()], cache=tmp_path / "cache", access=MavenAccess(folders=(tmp_path / "carried",)))

    assert found[a_jar()].read_bytes() == CONTENT


def test_a_bundle_holds_what_a_lock_names(maven: Maven, tmp_path: Path) -> None:
    """It is written from the cache, and again without harm."""
    text = f"{a_jar().line}\n"

    for _ in range(2):
        files = jars.write_bundle(text, tmp_path / "bundle", cache=tmp_path / "cache", access=maven.access())

    assert [file.read_bytes() for file in files] == [CONTENT]
    assert files == [tmp_path / "bundle" / "jars" / "thing_2.13-1.0.jar"]


def test_a_changed_archive_of_a_runtime_is_found(maven: Maven, tmp_path: Path) -> None:
    """As `runtimes verify` asks."""
    found = jars.provide([a_jar()], cache=tmp_path / "cache", access=maven.access())
    runtime = tmp_path / "runtime"
    jars.install(found.values(), runtime / jars.JARS_FOLDER)
    (runtime / jars.JARS_COPY).write_text(a_jar().line)

    before = jars.problems_of(runtime)
    (runtime / jars.JARS_FOLDER / a_jar().file_name).unlink()
    after = jars.problems_of(runtime)

    assert before == (1, [])
    assert after[1][0].endswith("thing_2.13-1.0.jar")


def test_maven_is_told_what_to_leave_out() -> None:
    """What stands after the dash is an exclusion; comments are none of it."""
    found = pom("# why\norg.a:b:1 - org.c:d\norg.e:f_2.13:2\n")

    assert found.count("<dependency>") == 2
    assert "<exclusion><groupId>org.c</groupId><artifactId>d</artifactId></exclusion>" in found
    assert "<artifactId>f_2.13</artifactId><version>2</version></dependency>" in found
