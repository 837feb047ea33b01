"""One databricks.yml, its includes and one target, as definitions of jobs."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox.databricks_stub.bundle.interpolation import Scope, interpolated
from sandbox.databricks_stub.bundle.nodes import BundleError, Node, merged, plain, read
from sandbox.databricks_stub.jobspec import JobSpecError, normalised, parse
from sandbox.databricks_stub.user import SHORT_NAME, USER
from sandbox.databricks_stub.workspace_paths import NOTEBOOK_SUFFIXES

IMPORTED_SUFFIXES = (*NOTEBOOK_SUFFIXES, ".scala", ".r", ".R")
"""Of notebooks that a deployment imports, also of those that cannot be executed here."""


@dataclass(frozen=True, kw_only=True)
class BundleJob:
    """A job that the bundle defines; the id depends on bundle, target and key only."""

    key: str
    job_id: int
    settings: Mapping[str, Any]
    source: str

    @property
    def digest(self) -> str:
        """Changes whenever the definition does."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a bundle defines for one target; `file_path` is where a deployment would put its files."""

    name: str
    root: Path
    file_path: str
    jobs: Mapping[str, BundleJob] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BundleTree:
    """A bundle for one target whose jobs nobody has checked yet: every value still knows its file and line."""

    name: str
    target: str
    root: Path
    file_path: str
    name_prefix: str
    jobs: Mapping[str, Node]


def load(path: Path, target: str, *, host: str, environ: Mapping[str, str], seen: list[Path] | None = None) -> Bundle:
    """The bundle of that databricks.yml; raises BundleError with file, line and reason.

    `seen` receives every file as it is read and every folder that `include` names, so that a caller can watch them
    even when this raises.
    """
    tree = read_tree(path, target, host=host, environ=environ, seen=seen)
    jobs = {key: _job(key, node, tree) for key, node in tree.jobs.items()}
    return Bundle(name=tree.name, root=tree.root, file_path=tree.file_path, jobs=jobs)


def read_tree(
    path: Path, target: str, *, host: str, environ: Mapping[str, str], seen: list[Path] | None = None
) -> BundleTree:
    """The files merged, the target laid over them, the references resolved; raises BundleError as `load` does."""
    seen = [] if seen is None else seen
    root_node = _read_all(path, seen)
    chosen = _target(root_node, target)
    name = _bundle_name(root_node, path)
    tree = _without(chosen, {"variables", "default", "mode", "presets"})
    whole = merged(root_node, tree)
    scope, file_path = _scope(whole, chosen, name, target, host, environ)
    definitions = whole.get("resources", "jobs")
    return BundleTree(
        name=name,
        target=target,
        root=path.parent,
        file_path=file_path,
        name_prefix=_name_prefix(chosen, scope),
        jobs={
            key: interpolated(node, scope)
            for key, node in sorted((definitions.mapping() if definitions else {}).items())
        },
    )


def files_of(path: Path) -> tuple[Path, ...]:
    """That databricks.yml, if it is there, and what it includes; of one that cannot be read, what was read before."""
    seen: list[Path] = []
    if path.is_file():
        with contextlib.suppress(BundleError):
            _read_all(path, seen)
    return tuple(each for each in seen if each.is_file())


def job_id_of(bundle: str, target: str, key: str) -> int:
    """Fifteen digits that a job keeps for ever: across restarts, resets and machines."""
    digest = hashlib.sha256(f"{bundle}/{target}/{key}".encode()).digest()
    return 10**14 + int.from_bytes(digest[:8]) % (9 * 10**14)


def _read_all(path: Path, seen: list[Path]) -> Node:
    seen.append(path)
    root = read(path, shown_as=path.name)
    root.mapping()
    include = root.get("include")
    for pattern in include.items() if include else ():
        folder = path.parent.joinpath(str(pattern.value)).parent
        if folder.is_dir() and folder not in seen:
            seen.append(folder)
        for found in sorted(path.parent.glob(str(pattern.value))):
            if found in seen or not found.is_file():
                continue
            seen.append(found)
            part = read(found, shown_as=str(found.relative_to(path.parent)))
            part.mapping()
            root = merged(root, part)
    return root


def _bundle_name(root: Node, path: Path) -> str:
    name = root.get("bundle", "name")
    if name is None or not isinstance(name.value, str):
        raise BundleError(f"{path.name}:1:1: bundle.name is missing")
    return name.value


def _target(root: Node, target: str) -> Node:
    targets = root.get("targets")
    if targets is None:
        return replace(root, value={})
    found = targets.mapping().get(target)
    if found is None:
        raise targets.error(f"there is no target {target!r}; there are: {', '.join(sorted(targets.mapping()))}")
    return found if found.value is not None else replace(found, value={})


def _without(node: Node, keys: set[str]) -> Node:
    return replace(node, value={key: item for key, item in node.mapping().items() if key not in keys})


def _scope(
    whole: Node, chosen: Node, name: str, target: str, host: str, environ: Mapping[str, str]
) -> tuple[Scope, str]:
    values: dict[str, Any] = {
        **_git(whole),
        "bundle.name": name,
        "bundle.target": target,
        "bundle.environment": target,
        "workspace.host": host,
        "workspace.current_user.userName": USER,
        "workspace.current_user.user_name": USER,
        "workspace.current_user.short_name": SHORT_NAME,
        "workspace.current_user.domain_friendly_name": SHORT_NAME,
    }
    keys = set((whole.get("resources", "jobs") or replace(whole, value={})).mapping())
    scope = Scope(
        variables=_variables(whole, chosen, environ, lambda wanted: str(job_id_of(name, target, f"lookup/{wanted}"))),
        values=values,
        job_id=lambda key: job_id_of(name, target, key) if key in keys else None,
        resources=whole.get("resources"),
        resource_id=lambda kind, key: str(job_id_of(name, target, f"{kind}/{key}")),
    )
    # Documented: the defaults of workspace.root_path and of what lies below it.
    root_path = f"/Workspace/Users/{USER}/.bundle/{name}/{target}"
    for key, default in (
        ("root_path", None),
        ("file_path", "files"),
        ("state_path", "state"),
        ("artifact_path", "artifacts"),
        ("resource_path", "resources"),
    ):
        given = whole.get("workspace", key)
        if given is not None:
            text = str(interpolated(given, scope).value)
            values[f"workspace.{key}"] = (
                text.replace("~", f"/Workspace/Users/{USER}", 1) if text.startswith("~/") else text
            )
        else:
            values[f"workspace.{key}"] = root_path if default is None else f"{values['workspace.root_path']}/{default}"
    return scope, values["workspace.file_path"]


def _git(whole: Node) -> dict[str, Any]:
    """What the bundle says of its repository; what it leaves to a deployment to find out is empty."""
    found = {}
    for key in ("branch", "commit", "origin_url"):
        given = whole.get("bundle", "git", key)
        found[f"bundle.git.{key}"] = "" if given is None else str(given.value)
    return found


def _variables(whole: Node, chosen: Node, environ: Mapping[str, str], id_of: Callable[[str], str]) -> dict[str, Node]:
    """Every variable that has a value; what one looks up by name has the id that `id_of` gives."""
    found: dict[str, Node] = {}
    definitions = whole.get("variables")
    for name, definition in (definitions.mapping() if definitions else {}).items():
        value = _value(definition, id_of)
        if value is not None:
            found[name] = value
    overrides = chosen.get("variables")
    for name, override in (overrides.mapping() if overrides else {}).items():
        value = _value(override, id_of)
        found[name] = value if value is not None else override
    for name in definitions.mapping() if definitions else {}:
        if (text := environ.get(f"BUNDLE_VAR_{name}")) is not None:
            found[name] = Node(value=text, where=f"environment variable BUNDLE_VAR_{name}", file=whole.file)
    return found


def _value(definition: Node, id_of: Callable[[str], str]) -> Node | None:
    default, lookup = definition.get("default"), definition.get("lookup")
    if default is not None or lookup is None:
        return default
    # Documented: https://docs.databricks.com/dev-tools/bundles/variables - "lookup" finds an object's id by its name.
    # Assumed: every warehouse and cluster id names the only one here, and nothing else is asked for by id.
    wanted = "/".join(f"{kind}/{node.value}" for kind, node in lookup.mapping().items())
    return replace(lookup, value=id_of(wanted))


def _name_prefix(chosen: Node, scope: Scope) -> str:
    preset = chosen.get("presets", "name_prefix")
    if preset is not None:
        return str(interpolated(preset, scope).value)
    mode = chosen.get("mode")
    # Documented: https://docs.databricks.com/dev-tools/bundles/deployment-modes - "[dev <user>] " before every name.
    return f"[dev {SHORT_NAME}] " if mode is not None and mode.value == "development" else ""


def job_name(key: str, node: Node, tree: BundleTree) -> str:
    """The job's name in the workspace: with the prefix that the target's mode gives."""
    name = node.get("name")
    return tree.name_prefix + str(name.value if name is not None else key)


def _job(key: str, node: Node, tree: BundleTree) -> BundleJob:
    raw = plain(replace(node, value=_deployed(node, tree.root, tree.file_path)))
    raw["name"] = job_name(key, node, tree)
    try:
        parse(raw)
    except JobSpecError as error:
        raise node.error(f"job {key!r}: {error}") from error
    return BundleJob(
        key=key,
        job_id=job_id_of(tree.name, tree.target, key),
        settings=normalised(raw),
        source=node.where.rsplit(":", 1)[0],
    )


def _deployed(node: Node, root: Path, file_path: str) -> dict[str, Node]:
    """The job with the relative paths of its notebooks as a deployment writes them."""
    job = dict(node.mapping())
    if "tasks" in job:
        job["tasks"] = replace(
            job["tasks"], value=[_deployed_task(task, root, file_path) for task in job["tasks"].items()]
        )
    return job


def _deployed_task(task: Node, root: Path, file_path: str) -> Node:
    path = task.get("notebook_task", "notebook_path")
    if path is None or not isinstance(path.value, str) or path.value.startswith("/"):
        return task
    local = (path.file.parent / path.value).resolve()
    if not local.is_relative_to(root.resolve()):
        raise path.error(f"notebook_path {path.value!r} leads out of the bundle's folder")
    relative = PurePosixPath(local.relative_to(root.resolve()))
    if relative.suffix in IMPORTED_SUFFIXES:
        # Documented: a notebook loses its suffix when it is imported into the workspace.
        relative = relative.with_suffix("")
    deployed = replace(path, value=f"{file_path}/{relative}")
    body = task.mapping()["notebook_task"]
    return replace(
        task,
        value={**task.mapping(), "notebook_task": replace(body, value={**body.mapping(), "notebook_path": deployed})},
    )
