"""The world without articles, for suites that need none: it finds nothing."""

from __future__ import annotations

from harness.types import Article, Hit


class NoWorld:
    """Holds no articles; ``path`` and ``sha256`` are not used."""

    id = "none"
    instant = True

    def __init__(self, path: str = "", sha256: str = "") -> None:
        pass

    def article(self, title: str) -> Article | None:
        """Always None."""
        return None

    def similar(self, title: str, limit: int = 3) -> list[str]:
        """Always empty."""
        return []

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        """Always empty."""
        return []
