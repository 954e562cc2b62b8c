"""Processes that read the images change nothing but the time."""

import multiprocessing

from pscgan.data.training_set import TrainingSet

from ..data.pictures import folder_of
from .tiny import LIGHTNING_SAYS, assert_same_run, run

pytestmark = LIGHTNING_SAYS


def test_two_workers_give_the_bits_of_none(tmp_path, monkeypatch):
    root = folder_of(tmp_path / "images", 8)
    overrides = ("dataset=folder", f"dataset.root={root}", "dataset.crop=16", "dataset.validation=2", "images=16")
    folders, read = {}, TrainingSet.__getitem__
    for workers in (0, 2):
        readers = tmp_path / f"readers{workers}"
        readers.mkdir()

        def item(self, number, readers=readers):
            (readers / multiprocessing.current_process().name).touch()
            return read(self, number)

        with monkeypatch.context() as patch:
            patch.setattr(TrainingSet, "__getitem__", item)
            folders[workers] = run(tmp_path / f"run{workers}", *overrides, f"dataset.num_workers={workers}")
        names = {path.name for path in readers.iterdir()}
        assert ("MainProcess" in names, len(names)) == (workers == 0, max(workers, 1))
    assert_same_run(folders[2], folders[0])
