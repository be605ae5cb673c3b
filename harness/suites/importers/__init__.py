"""Imports public data sets as suites: one file for each data set, and one line in the table below.

A data set's file becomes tasks, and articles of a world where it has its own. The user has the
file; no data comes with the harness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.suites.importers.bamboogle import BAMBOOGLE
from harness.suites.importers.fever import FEVER
from harness.suites.importers.gsm8k import GSM8K
from harness.suites.importers.hotpotqa import HOTPOTQA, HOTPOTQA_DEV
from harness.suites.importers.jemhopqa import JEMHOPQA
from harness.suites.importers.mgsm import MGSM
from harness.suites.importers.source import Dataset, Imported, Source, open_source
from harness.suites.importers.table import TABLE
from harness.types import UserError

__all__ = ["DATASETS", "IMPORTED", "Dataset", "Imported", "Source", "import_files"]

# name on the command line -> data set; a new one is one file and one line here
DATASETS: dict[str, Dataset] = {
    "gsm8k": GSM8K,
    "mgsm": MGSM,
    "hotpotqa": HOTPOTQA,
    "hotpotqa-dev": HOTPOTQA_DEV,
    "fever": FEVER,
    "bamboogle": BAMBOOGLE,
    "jemhopqa": JEMHOPQA,
    "table": TABLE,
}
IMPORTED = "imported: "  # what the provenance of every imported task begins with
_CANARY = b"canary guid"


def import_files(
    dataset: Dataset,
    paths: Sequence[str],
    columns: Mapping[str, str] | None = None,
    unverified: bool = False,
) -> tuple[Imported, tuple[Source, ...]]:
    """Read files as that data set; also gives the files and what they were recognised as.

    ``columns`` (field -> column) is for tables. Raises UserError for a file that cannot be
    read, whose sha256 is not known (unless ``unverified``), that has another number of records
    than it should, or that does not have the data set's form.
    """
    most = len(dataset.files)
    if not 1 <= len(paths) <= most:
        raise UserError(
            f"expected {' and, if you like, '.join(dataset.files)}; got {len(paths)} files"
        )
    sources = tuple(open_source(path, dataset.known, unverified) for path in paths)
    imported = dataset.read(sources, columns or {})
    wanted = sources[0].records
    if wanted and imported.records != wanted:
        raise UserError(
            f"{paths[0]}: {imported.records} records were read, and {wanted} are in it; "
            "this is a fault of the importer, please report it"
        )
    _refuse_twins(imported, paths[0])
    tasks = tuple(replace(t, provenance=IMPORTED + t.provenance) for t in imported.tasks)
    notes = list(imported.notes)
    if any(_CANARY in source.data.lower() for source in sources):
        notes.append("the file carries a canary string: keep this folder out of public places")
    return replace(imported, tasks=tasks, notes=tuple(notes)), sources


def _refuse_twins(imported: Imported, path: str) -> None:
    ids = Counter(task.id for task in imported.tasks)
    id, times = ids.most_common(1)[0] if ids else ("", 0)
    if times > 1:
        raise UserError(f"{path}: {times} records have the id {id!r}; expected one each")
