"""The default logger: one table, which a resumed run continues without repeating a row."""

import csv
from argparse import Namespace
from io import StringIO
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from .atomic_write import atomic_write
from .record import CLOCK


class CSVLogger(Logger):
    """``metrics.csv``: a row for each log line and each validation, a column for each name, empty where not measured.

    Times are left out, so that the table of a run that was interrupted equals that of one that was not.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.path = Path(folder) / "metrics.csv"
        self.columns: list[str] = [CLOCK]

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        pass  # the run folder holds the config

    def rewind(self, images_seen: int) -> None:
        """Drop rows later than the checkpoint a run goes on from."""
        rows = [row for row in self._read() if int(row[CLOCK]) <= images_seen]
        self._rewrite(rows)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        new = [name for name in metrics if name not in self.columns and not name.startswith("time/")]
        if new or not self.path.exists():
            rows = self._read()
            self.columns += new
            self._rewrite(rows)
        try:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
                writer.writerow({CLOCK: step, **{name: repr(float(value)) for name, value in metrics.items()}})
        except OSError as error:
            raise OSError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = [row for row in reader if None not in row.values()]  # a kill may have cut the last row
            self.columns = list(reader.fieldnames or self.columns)
        return rows

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        content = StringIO(newline="")
        writer = csv.DictWriter(content, self.columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        atomic_write(self.path, content.getvalue())
