"""Versions of installed Python packages."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable


def version_of(package: str) -> str:
    """The installed version of a package, "" where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Name to version of those packages that are installed."""
    return {name: found for name in packages if (found := version_of(name))}
