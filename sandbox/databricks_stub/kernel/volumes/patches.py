"""Puts VolumeSystem into Python's own functions, for paths below /Volumes only."""

from __future__ import annotations

import errno
import functools
import os
from typing import Any

from sandbox.databricks_stub.kernel.volumes import system as volume_system
from sandbox.databricks_stub.kernel.volumes.paths import ROOT
from sandbox.databricks_stub.kernel.volumes.remote import Node
from sandbox.databricks_stub.kernel.volumes.system import KEEPERS, REPLACED, Entries, Entry, VolumeSystem, status

_current: list[VolumeSystem] = []
"""The one system of this process; a list because the replaced functions must see a later one."""


def current() -> VolumeSystem:
    """The volumes of this process."""
    return _current[0]


def install(system: VolumeSystem) -> None:
    """Let plain Python see the volumes of `system`, in place of those of an earlier call."""
    _current[:] = [system]
    for module, name, method in REPLACED:
        if (module, name) not in volume_system.originals and hasattr(module, name):
            original = getattr(module, name)
            replacement = _replacement(original, method)
            volume_system.originals[module, name] = original
            setattr(module, name, replacement)
            for keeper in KEEPERS:
                if getattr(keeper, name, None) is original:
                    volume_system.originals[keeper, name] = original
                    setattr(keeper, name, staticmethod(replacement))


def remote_path(path: Any) -> str | None:
    """The path, if it is one in a volume that lies in S3."""
    text = _text(path)
    place = _current[0].paths.find(text) if text and _current else None
    return text if place and place.is_remote else None


def _replacement(original: Any, method: str) -> Any:
    is_second = method == "rename"

    @functools.wraps(original)
    def replaced(*args: Any, **kwargs: Any) -> Any:
        path = _text(args[0]) if args else None
        if path is None:
            if is_second and len(args) > 1 and _text(args[1]):
                return _into_volume(original, args, kwargs)
            return original(*args, **kwargs)
        system = _current[0]
        place = system.paths.find(path)
        if place is None:
            return _above(system, path, method) or original(*args, **kwargs)
        if not place.is_remote:
            return original(*(_local(item) for item in args), **kwargs)
        return getattr(system, method)(place, *args, **kwargs)

    return replaced


def _text(path: Any) -> str | None:
    """The path, if it is one below /Volumes."""
    if not isinstance(path, str):
        if not isinstance(path, (os.PathLike, bytes)):
            return None
        path = os.fsdecode(path)
    return path if path.startswith(ROOT) and (len(path) == len(ROOT) or path[len(ROOT)] == "/") else None


def _local(argument: Any) -> Any:
    """A path in a volume that is a folder, as that folder's."""
    path = _text(argument)
    place = _current[0].paths.find(path) if path else None
    return place.location + place.inside if place and not place.is_remote else argument


def _into_volume(original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A rename from elsewhere into a volume."""
    place = _current[0].paths.find(os.fspath(args[1]))
    if place is None or not place.is_remote:
        return original(args[0], _local(args[1]), *args[2:], **kwargs)
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), os.fspath(args[0]), None, os.fspath(args[1]))


def _above(system: VolumeSystem, path: str, method: str) -> Any:
    """What /Volumes, a catalog or a schema in it answer; None to ask the machine."""
    names = system.paths.below(path)
    if names is None:
        return None
    nodes = [Node(name=name, is_folder=True) for name in names]
    match method:
        case "stat":
            return status(Node(name="", is_folder=True))
        case "listdir":
            return names
        case "scandir":
            return Entries([Entry(path, node) for node in nodes])
        case "access":
            return True
        case _:
            return None
