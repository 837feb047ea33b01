"""The container images: which there are, how each is built from the locks, and the one seam around `docker`."""

from __future__ import annotations

from sandbox.images.build import Image, build, provide

__all__ = ["Image", "build", "provide"]
