"""The one seam around `kind`, `helm` and `kubectl`: where they are, what they said, why they failed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import ConfigurationError, PrerequisiteMissing, SandboxError
from sandbox.images.docker import foreseen, last_words

LEAST_VERSIONS = {"kind": (0, 20), "helm": (3, 10), "kubectl": (1, 27)}
"""The oldest versions that this backend was made for; `sandbox doctor` compares."""
VERSION_COMMANDS = {
    "kind": ("version",),
    "helm": ("version", "--short"),
    "kubectl": ("version", "--client"),
}
HOW_TO_GET = {
    "kind": "go install sigs.k8s.io/kind@latest    (or: https://kind.sigs.k8s.io/docs/user/quick-start/#installation)",
    "helm": "https://helm.sh/docs/intro/install/",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
}


def find_tool(name: str) -> str:
    """The path of a tool; raises PrerequisiteMissing where it is not on PATH."""
    found = shutil.which(name)
    if found is None:
        raise PrerequisiteMissing(
            f"{name} is not on PATH",
            why="the kind backend and `--context` run it",
            next_command=f"get it: {HOW_TO_GET[name]}",
        )
    return found


def version_of(name: str) -> tuple[int, ...] | None:
    """The version that a tool prints of itself, or None when it prints none."""
    done = subprocess.run([find_tool(name), *VERSION_COMMANDS[name]], capture_output=True, text=True, check=False)
    match = re.search(r"v(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else None


def check_tools(names: Collection[str] = tuple(LEAST_VERSIONS)) -> None:
    """Raise PrerequisiteMissing for a tool that is missing or too old."""
    for name in names:
        least = LEAST_VERSIONS[name]
        version = version_of(name)
        if version is not None and version < least:
            raise PrerequisiteMissing(
                f"{name} {'.'.join(map(str, version))} is too old",
                why=f"{'.'.join(map(str, least))} or newer is needed",
                next_command=f"get it: {HOW_TO_GET[name]}",
            )


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The tools, aimed at one cluster: by its kubeconfig (None: the user's own) and by the name of its context there.

    The context is named in every call: whatever else stands in the file, or is current there, is never reached.
    """

    kubeconfig: Path | None
    namespace: str
    context: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the cluster."""
        return {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}

    @property
    def kubectl_words(self) -> tuple[str, ...]:
        """`kubectl`, aimed at the release's namespace."""
        return ("kubectl", "--context", self.context, "--namespace", self.namespace)

    def run(self, name: str, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run a tool and return its standard output; raises SandboxError with the end of what it said."""
        aim = {"kubectl": ("--context", self.context), "helm": ("--kube-context", self.context)}.get(name, ())
        done = subprocess.run(
            [find_tool(name), *aim, *arguments],
            input=stdin,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise tool_failed(name, arguments, done.stdout + done.stderr, done.returncode)
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """`kubectl` in the release's namespace."""
        return self.run("kubectl", "--namespace", self.namespace, *arguments, stdin=stdin, check=check)

    def get(self, *what: str) -> list[dict[str, Any]]:
        """The objects that `kubectl get … -o json` finds."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *what, "--output", "json"))["items"]
        return items

    def apply(self, objects: Sequence[dict[str, Any]]) -> None:
        """Create or change objects; they reach kubectl by standard input, so secrets stay out of process lists."""
        self.kubectl(
            "apply", "--filename", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def hint(self, command: str) -> str:
        """A `kubectl` line that a user can paste."""
        return f"{line(self, 'kubectl', ())} {command}"


def line(tools: Tools, program: str, arguments: Sequence[str]) -> str:
    """The shell's line that runs `kubectl`, `helm` or `k9s` on this cluster."""
    aim = f"KUBECONFIG={shlex.quote(str(tools.kubeconfig))} " if tools.kubeconfig else ""
    context = "--kube-context" if program == "helm" else "--context"
    return aim + shlex.join([program, context, tools.context, "--namespace", tools.namespace, *arguments])


def tool_failed(name: str, arguments: Sequence[str], output: str, code: int) -> SandboxError:
    """The error for a tool that failed, by what it said."""
    tail = last_words(output)
    low = output.lower()
    if name == "kind" and ("failed to pull image" in low or "no such host" in low):
        return PrerequisiteMissing(
            "the node image of the cluster cannot be pulled",
            why=tail,
            next_command="docker images kindest/node    (and name one of them: KIND_NODE_IMAGE=kindest/node:…)",
        )
    if name == "kind" and (known := foreseen(output)):
        return known
    if name in ("kubectl", "helm") and ("context" in low and "does not exist" in low):
        return ConfigurationError(
            "the kubeconfig has no such context", why=tail, next_command="kubectl config get-contexts --output name"
        )
    return SandboxError(f"{name} {' '.join(arguments[:2])} failed with exit code {code}", why=tail)
