"""Runs of wandb, read back from what offline runs leave on disk."""

import csv
import json
import os
import signal
import struct
from types import SimpleNamespace

import pytest

from pscgan.train.lightning_module import SamplerModule
from pscgan.train.runs.cli_errors import Interrupted
from pscgan.train.runs.sweep import SWEEP
from pscgan.train.runs.wandb_logger import VARIABLES, WandbRun

from ..distributed.on_ranks import on_ranks
from ..distributed.test_run_on_ranks import learn
from ..test_resume import at
from ..tiny import LIGHTNING_SAYS, run
from .sweeping import pscgan_train

wandb = pytest.importorskip("wandb")
__all__ = ["pscgan_train"]
pytestmark = LIGHTNING_SAYS
LOGGERS = "logger=[csv,wandb]"
BLOCK, HEADER = 32 * 1024, struct.Struct("<IHB")


def records(path):
    """Of a .wandb file, a log in the format of LevelDB: blocks of records, whole or in parts."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, record, place = path.read_bytes(), b"", 7
    assert data.startswith(b":W&B")
    while place < len(data):
        if BLOCK - place % BLOCK < HEADER.size:
            place += BLOCK - place % BLOCK
            continue
        _, length, part = HEADER.unpack_from(data, place)
        place += HEADER.size + length
        record += data[place - length : place]
        if part in (1, 4):
            yield Record.FromString(record)
            record = b""


def values(items):
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


def starts(folder):
    """What each start of a run has left, in their order."""
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=os.path.getmtime):
        found = list(records(path))
        of = {kind: [getattr(record, kind) for record in found if record.HasField(kind)] for kind in KINDS}
        yield SimpleNamespace(
            run=of["run"][0],
            config={key: value for config in of["config"] for key, value in values(config.update).items()},
            history=[values(row.item) for row in of["history"]],
            axes={metric.glob_name: metric.step_metric for metric in of["metric"]},
            artifacts=[(one.type, set(one.aliases)) for one in of["artifact"]],
            codes=[end.exit_code for end in of["exit"]],
        )


KINDS = ("run", "config", "history", "metric", "artifact", "exit")


@pytest.fixture(autouse=True, scope="module")
def offline(tmp_path_factory):
    """Runs on disk, with no variable and no login of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in {*VARIABLES.values(), "WANDB_API_KEY", SWEEP} & os.environ.keys():
            patch.delenv(name)
        home = str(tmp_path_factory.mktemp("home"))
        for name, value in (("HOME", home), ("NETRC", f"{home}/netrc"), ("WANDB_MODE", "offline")):
            patch.setenv(name, value)
        patch.setenv("WANDB_SILENT", "true")
        wandb.teardown()  # which forgets the variables it has read
        yield
        wandb.teardown()


@pytest.fixture(scope="module")
def interrupted_twice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny_0"
    for images in (8, 24):
        with pytest.MonkeyPatch.context() as patch:
            at(patch, (SamplerModule, "training_step"), images, lambda: signal.raise_signal(signal.SIGTERM))
            with pytest.raises(Interrupted):
                run(folder, LOGGERS)
    return run(folder, LOGGERS, "logger.wandb.checkpoints=true")


@pytest.mark.integration
def test_three_starts_are_one_run_with_one_history(interrupted_twice):
    found = list(starts(interrupted_twice))
    (name,) = {start.run.run_id for start in found}
    assert (interrupted_twice / "wandb_id").read_text() == f"{name}\n"
    assert {start.run.display_name for start in found} == {"tiny_0"}
    assert [start.codes for start in found] == [[1], [1], [0]]
    rows = [row for start in found for row in start.history]
    with (interrupted_twice / "metrics.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    seen = [row["images_seen"] for row in rows]
    assert seen == list(range(4, 52, 4)) == sorted({int(row["images_seen"]) for row in table})
    assert [row["_step"] for row in rows] == seen
    assert all(start.axes["*"] == "images_seen" for start in found)
    for name in ("generator/patch_energy", "validation/crps"):
        logged = [(int(row["images_seen"]), float(row[name])) for row in table if row[name]]
        assert [(row["images_seen"], row[name]) for row in rows if name in row] == logged


@pytest.mark.integration
def test_the_run_knows_its_config_and_how_it_was_started(interrupted_twice):
    (_, second, _) = starts(interrupted_twice)
    assert second.run.job_type == "train"
    assert second.config["degradation"]["sigma"] == 50
    assert second.config["folder"] == str(interrupted_twice)
    noted = json.loads((interrupted_twice / "run.json").read_text())
    assert second.config["start"] == noted[1]
    assert second.config["start"]["images_seen"] == 12


@pytest.mark.integration
def test_validations_have_a_picture_and_a_table_and_checkpoints_are_artifacts(interrupted_twice):
    first, _, last = starts(interrupted_twice)
    validations = [row for start in (first, last) for row in start.history if "validation/crps" in row]
    for row in validations:
        kinds = {key.rpartition(".")[0]: value for key, value in row.items() if key.endswith("._type")}
        kinds |= {key: value["_type"] for key, value in row.items() if isinstance(value, dict) and "_type" in value}
        assert kinds == {"validation/samples": "images/separated", "validation/images": "table-file"}
    (table, *_) = interrupted_twice.glob("wandb/*/files/media/table/validation/images_16_*.json")
    rows = json.loads(table.read_text())["data"]
    assert [row[0] for row in rows] == list(range(len(rows)))
    (scores,) = [row for start in starts(interrupted_twice) for row in start.history if row["images_seen"] == 16]
    for column, name in enumerate(("degraded", "sample", "mean"), start=1):
        mean = sum(row[column] for row in rows) / len(rows)
        assert mean == pytest.approx(scores[f"validation/psnr_{name}_per_image"], abs=1e-3)
    models = [[aliases - {"latest"} for kind, aliases in start.artifacts if kind == "model"] for start in (first, last)]
    assert models == [[], [{"best"}, {"last"}]]


@pytest.mark.integration
def test_trials_of_a_sweep_have_names_and_one_group_and_end_as_they_ended(pscgan_train, tmp_path, monkeypatch):
    step = SamplerModule.training_step

    def fail_with_seed_1(self, *arguments):
        if self.gan_step.seed == 1:
            raise ValueError("seed is 1")
        return step(self, *arguments)

    monkeypatch.setattr(SamplerModule, "training_step", fail_with_seed_1)
    code, _, stderr = pscgan_train("-m", "seed=0,1,2", "images=16", LOGGERS)
    assert (code, stderr.splitlines()[0]) == (1, "pscgan train: seed is 1")
    folders = sorted(path.parent for path in tmp_path.glob("runs/*/run.json"))
    trials = [trial for folder in folders for trial in starts(folder)]
    assert [trial.run.display_name for trial in trials] == [folder.name for folder in folders]
    (sweep,) = (tmp_path / "runs" / "sweeps").iterdir()
    assert {trial.run.run_group for trial in trials} == {sweep.name}
    assert len({trial.run.run_id for trial in trials}) == 3
    assert {trial.config["seed"]: trial.codes for trial in trials} == {0: [0], 1: [1], 2: [0]}


@pytest.mark.integration
def test_on_two_ranks_it_is_one_run(tmp_path):
    on_ranks(2, learn, tmp_path / "run", "images=16", LOGGERS, join=False)
    (start,) = starts(tmp_path / "run")
    assert [row["images_seen"] for row in start.history] == [4, 8, 12, 16]
    assert start.codes == [0]


@pytest.mark.integration
def test_who_is_not_logged_in_is_told_what_to_do_before_any_training(pscgan_train, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    wandb.teardown()
    code, _, stderr = pscgan_train(LOGGERS)
    monkeypatch.setenv("WANDB_MODE", "offline")
    wandb.teardown()
    assert (code, len(stderr.splitlines())) == (2, 1)
    assert "wandb login" in stderr
    assert "WANDB_MODE=offline" in stderr
    assert not [*tmp_path.glob("runs/*/last.ckpt"), *tmp_path.glob("runs/*/wandb_id")]


def break_down(*_, **__):
    raise ConnectionResetError("service is gone")


def test_a_wandb_that_breaks_is_said_once_and_ends_nothing(tmp_path, capfd):
    logger = WandbRun(str(tmp_path))
    logger._experiment = SimpleNamespace(log=break_down, finish=break_down)
    for images in (4, 8):
        logger.log_metrics({"a": 1.0}, step=images)
        logger.save()
    logger.finalize("success")
    assert capfd.readouterr().err.count("logger.wandb: service is gone") == 1
    other = WandbRun(str(tmp_path))
    other._experiment = SimpleNamespace(finish=break_down)
    other.finalize("success")
    assert capfd.readouterr().err.count("service is gone") == 1


def test_whatever_keeps_wandb_from_starting_is_an_error_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr(wandb, "init", break_down)
    with pytest.raises(ValueError, match=r"^logger\.wandb: service is gone .*wandb login"):
        WandbRun(str(tmp_path)).log_hyperparams({})
    assert not (tmp_path / "wandb_id").exists()


def test_arguments_of_wandb(tmp_path, monkeypatch):
    def options(**given):
        return WandbRun(str(tmp_path / "a,b=1"), **given)._wandb_init

    first, second = options(), options()
    assert (first["name"], first["group"], first["resume"]) == ("a,b=1", None, "allow")
    assert first["dir"] == str(tmp_path / "a,b=1")
    assert first["id"] != second["id"]
    monkeypatch.setenv(SWEEP, "g" * 200)
    assert options()["group"] == "g" * 128
    assert options(group="mine", tags=["x"])["group"] == "mine"
    for variable in VARIABLES.values():
        monkeypatch.setenv(variable, "user")
    given = dict.fromkeys(("project", "name", "group", "entity", "job_type", "tags", "notes"), "ours")
    assert {name: value for name, value in options(**given).items() if value} == {"project": "user", "resume": "allow"}
