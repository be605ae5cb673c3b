"""Public data sets as suites: one file a data set, one line in the table below.

An importer turns the bytes of a file that the user has into tasks, and into the articles of a
world where the data brings its own. No data comes with the harness. Importers know nothing of
tools, of how worlds are stored, and of where the suite will be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.importers import bamboogle, fever, gsm8k, hotpotqa, hotpotqa_dev, jemhopqa, mgsm, table
from harness.importers.source import PROVENANCE, Dataset, Imported, Source, open_source
from harness.types import UserError

__all__ = ["DATASETS", "PROVENANCE", "Dataset", "Imported", "Source", "import_files"]

# name on the command line -> data set; a new one is one file and one line here
DATASETS: dict[str, Dataset] = {
    "gsm8k": gsm8k.DATASET,
    "mgsm": mgsm.DATASET,
    "hotpotqa": hotpotqa.DATASET,
    "hotpotqa-dev": hotpotqa_dev.DATASET,
    "fever": fever.DATASET,
    "bamboogle": bamboogle.DATASET,
    "jemhopqa": jemhopqa.DATASET,
    "table": table.DATASET,
}
CANARY = b"canary guid"


def import_files(
    dataset: Dataset,
    paths: Sequence[str],
    columns: Mapping[str, str] | None = None,
    unverified: bool = False,
) -> tuple[Imported, tuple[Source, ...]]:
    """Read files as that data set, and say what was noticed on the way.

    Raises UserError for a file that cannot be read, whose sha256 is none of the known ones
    (unless ``unverified``), that has another number of records than it should, or that does
    not have the data set's form.
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
    notes = list(imported.notes)
    if any(CANARY in source.data.lower() for source in sources):
        notes.append("the file carries a canary string: keep this folder out of public places")
    return imported.noting(notes), sources


def _refuse_twins(imported: Imported, path: str) -> None:
    ids = Counter(task.id for task in imported.tasks)
    id, times = ids.most_common(1)[0] if ids else ("", 0)
    if times > 1:
        raise UserError(f"{path}: {times} records have the id {id!r}; expected one each")
