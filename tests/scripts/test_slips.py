"""Slips on the command line: one line that names the part and the nearest name, nothing made, and advice that works."""

import logging
import shlex
import signal
import sys

import pytest
import pytorch_lightning as pl
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from PIL import Image

from pscgan.__main__ import main
from pscgan.train.evaluation import setup
from pscgan.train.runs.cli_errors import SIGNALS
from pscgan.train.runs.config_check import check_config

from ..train.tiny import LIGHTNING_SAYS

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]


@pytest.fixture
def slip(tmp_path, monkeypatch, capfd):
    """A command -> its line on stderr; it ends with code 2, prints nothing else, starts nothing, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((48, 40), 60).convert("RGB").save("a.png")
    (tmp_path / "photos").mkdir()
    Image.open("a.png").save("photos/b.png")
    root = logging.getLogger()
    before = root.handlers[:], root.level, [(number, signal.getsignal(number)) for number in (*SIGNALS, signal.SIGHUP)]

    def starts(*_, **__):
        raise AssertionError("it starts")

    monkeypatch.setattr(pl.Trainer, "fit", starts)
    monkeypatch.setattr(setup, "_work", starts)

    def run(command):
        files = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["pscgan", *shlex.split(command)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capfd.readouterr()
        assert (ended.value.code, stdout) == (2, ""), stderr
        (line,) = stderr.splitlines()
        assert line.startswith("pscgan")
        assert sorted(tmp_path.rglob("*")) == files
        assert not any(
            words in line for words in ("Traceback", "hydra.cc", "To append", "search path", "LexerNoViable")
        )
        return line.partition(": ")[2]

    yield run
    root.handlers[:], level, handlers = before
    root.setLevel(level)
    for number, handler in handlers:
        signal.signal(number, handler)


TRAIN = [  # the slip, what its line says, and an override that it advises
    # names
    ("sed=3", "no sed", "seed"),
    ("+sed=3", "no sed", "seed"),
    ("++sed=3", "no sed", "seed"),
    ("~sed", "no sed", "seed"),
    ("experimnt=demo", "no experimnt", "experiment"),
    ("degradation.sgima=25", "no degradation.sgima", "sigma"),
    ("~critic.widht", "no critic.widht", "width"),
    ("+gan_step.x=3", "no gan_step.x", "micro_batch"),
    ("+generator.wdth=4", "no generator.wdth", "width"),
    ("+generator_optimizer.weigth_decay=0.1", "no generator_optimizer.weigth_decay", "weight_decay"),
    ("+trainer.max_epoch=3", "no trainer.max_epoch", "max_epochs"),
    ("hydra.run.dri=x", "no hydra.run.dri", "dir"),
    ("seed.x=3", "no seed.x", ""),
    ("+penalty.mine.weight=3", "penalty.mine", "_target_"),
    ("penalty.dct_crsp.weight=2", "no penalty.dct_crsp", "dct_crps"),
    # choices
    ("experiment=demoo", "no experiment=demoo", "demo"),
    ("penalty=[patch_enrgy]", "no penalty=patch_enrgy", "patch_energy"),
    ("trainer=gup", "no trainer=gup", "gpu"),
    ("generator=null", "generator=null", "unet_small"),
    ("degradation=3", "degradation=3", "gaussian_noise"),
    ("optimizer=adam", "no optimizer", "optimizer@generator_optimizer"),
    ("adversarial._target_=pscgan.losses.adversarial.Wassertein", "adversarial._target_", "Wasserstein"),
    # types
    ("seed=abc", "seed", "whole number"),
    ("seed=1.5", "seed", "whole number"),
    ("seed=true", "seed", "got true"),
    ("seed=", "seed", '""'),
    ("seed=[1,2]", "seed", "[1, 2]"),
    ("images=10k", "images", "10k"),
    ("penalty.dct_crps.weight=10%", "penalty.dct_crps.weight", "10%"),
    ("""penalty.dct_crps.weight="'1.0'\"""", "penalty.dct_crps.weight", '"1.0"'),
    ("penalty.dct_crps.samples_per_image=2.5", "penalty.dct_crps.samples_per_image", "2.5"),
    ("penalty.dct_crps.estimator=3", "penalty.dct_crps.estimator", "_target_"),
    ("adversarial.gradient_penalty=3", "adversarial.gradient_penalty", "_target_"),
    ("gan_step.micro_batch=abc", "gan_step.micro_batch", "whole number or null"),
    ("gan_step.generator_clip_norm=[1]", "gan_step.generator_clip_norm", "[1]"),
    ("evaluation.samples_per_image=two", "evaluation.samples_per_image", "two"),
    ("generator_optimizer.betas=[0.9]", "generator_optimizer.betas", "[0.9]"),
    ("dataset.crop=32px", "dataset.crop", "32px"),
    ("hydra.job.chdir=maybe", "hydra.job.chdir", "maybe"),
    # words that are no booleans, or numbers
    ("dataset.flip=no", "dataset.flip", "true or false"),
    ("dataset.flip=1", "dataset.flip", "true or false"),
    ("allow_changed_config=off", "allow_changed_config", "true or false"),
    # null
    ("seed=null", "seed", "null"),
    ("gan_step=null", "gan_step", "null"),
    ("folder=null", "folder", "null"),
    ("dataset.root=null", "dataset.root", "null"),
    ("generator_optimizer.lr=null", "generator_optimizer.lr", "null"),
    ("~seed", "seed", ""),
    # ranges; a run that begins at a baseline says so first
    ("init_from=null dataset.batch_size=-8", "batch_size", ">= 1"),
    ("init_from=null gan_step.micro_batch=0", "micro_batch", ">= 1"),
    ("init_from=null schedule.warmup_images=-5", "warmup_images", "-5"),
    # words that cannot be read
    ("demo", "demo", "experiment=demo"),
    ("--seed=3", "--seed", "without dashes"),
    ("--experiment demo", "--experiment", "without dashes"),
    ("=3", "=3", "KEY=VALUE"),
    ("logger=[a,b=c]", "logger=[a,b=c]", '["'),
    ("name=${nme}", "nme", ""),
    ("seed=range(1,a)", "seed=range(1,a)", ""),
    ("generator_optimizer.lr=0,001", "generator_optimizer.lr=0,001", "decimals"),
    ("-m seed=1,abc", "seed", "abc"),
    ("-m sed=1,2", "no sed", "seed"),
    ("-m generator_optimizer.lr=0,001", "generator_optimizer.lr", '"001"'),
    ("-m experiment=demo,demoo", "no experiment=demoo", "demo"),
    ("--cfg jobb", "--cfg", "job"),
    ("--config-name trian", "no config trian", "train"),
]
OTHERS = [
    ("evaluate methods=[bundled:dmo]", "bundled:dmo", "bundled:demo"),
    ("evaluate methods=[bundled:demo] samples=abc", "samples", "whole number"),
    ("evaluate methods=[bundled:demo] seed=null", "seed", "null"),
    ("evaluate methods=[bundled:demo] +sed=3", "no sed", "seed"),
    ("evaluate methods=[bundled:demo] images.lmit=3", "no images.lmit", "limit"),
    ("evaluate methods=[bundled:demo] images.limit=abc", "images.limit", "abc"),
    ("evaluate methods=[bundled:demo] images.split=tset", "images.split", "test"),
    ("evaluate methods=[bundled:demo] images.root=3", "images.root", "quote"),
    ("evaluate methods=[bundled:demo] extractor.efficientnet_lite0=null", "extractor.efficientnet_lite0", "null"),
    ("evaluate methods=[bundled:demo] attack=[pdg]", "no attack=pdg", "pgd"),
    ("evaluate methods=[bundled:demo] robustness.ai_psnr=40", "robustness.ai_psnr", "list"),
    ("evaluate methods=[bundled:demo] allow_training_overlap=no", "allow_training_overlap", "true or false"),
    ("evaluate", "methods", "must be given"),
    ("evaluate --methods bundled:demo", "--methods", "without dashes"),
    ("restore a.png --model bundled:dmo --out out", "bundled:dmo", "bundled:demo"),
    ("restore a.png --model bundled:demo --out out --sampels 2", "--sampels", "--samples"),
    ("restore a.png --model bundled:demo --out out --samples two", "--samples", "two"),
    ("restore a.png --model bundled:demo --out out --sigma-z nan", "--sigma-z", "nan"),
    ("restore a.png --model bundled:demo --out out --tile 0", "tile", "multiple of 16"),
    ("restore a.png --model bundled:demo", "--out", "required"),
    ("export bundled:demo --out x.onx", "--out", ".onnx"),
    ("export bundled:demo --out x --push nobody", "--push", "nobody"),
    ("explore bundled:demo --port 99999", "--port", "99999"),
    ("explore bundled:demo --prot 1", "--prot", "--port"),
    ("prepare-data photos --out shards --size 0", "--size", ">= 1"),
    ("prepare-data phtos --out shards", "root", "phtos"),
    ("runs nowhere", "FOLDER", "nowhere"),
    ("runs . --uot x", "--uot", "--out"),
    ("trian", "trian", "train"),
    ("--verbose", "--verbose", "evaluate"),
]
ADVISED = {
    "name=café": 'name="café"',
    "name=a~b": 'name="a~b"',
    "name=[a": 'name="[a"',
    "name=a]": 'name="a]"',
    "dataset.root=/a(b)/c": 'dataset.root="/a(b)/c"',
    "dataset.root=my#dir": 'dataset.root="my#dir"',
    """'name=a"b'""": r'name="a\"b"',
    "dataset.root=3": 'dataset.root="3"',
    "seed==3": "seed=3",
    "+seed=3": "seed",
    "++experiment=demo": "experiment=demo",
    "images=16.0": "16",
    "dataset.validation=b*": 'dataset.validation=["b*"]',
    "logger.csv=null": "~logger.csv",
    "critic=null": "~critic",
    "generator_optimizer.weight_decay=0.1": "+generator_optimizer.weight_decay=",
}


@pytest.mark.parametrize(("words", "part", "near"), TRAIN, ids=[words for words, _, _ in TRAIN])
def test_of_training(words, part, near, slip):
    line = slip(f"train debug=quick {words}" if not words.startswith("-m") else f"train {words} debug=quick")
    assert part in line
    assert near in line.replace(part, "", 1)


@pytest.mark.parametrize(("command", "part", "near"), OTHERS, ids=[command for command, _, _ in OTHERS])
def test_of_other_verbs(command, part, near, slip):
    line = slip(command + (" images.root=photos" if "methods" in command and "images.root" not in command else ""))
    assert part in line
    assert near in line.replace(part, "", 1)


@pytest.mark.parametrize(("words", "advised"), ADVISED.items(), ids=ADVISED)
def test_what_is_advised_works(words, advised, slip):
    assert advised in slip(f"train debug=quick {words}")
    (word,) = shlex.split(words)
    key, _, value = word.lstrip("+").partition("=")
    override = advised if advised[0] == "~" or "=" in advised else f"{key}={advised if advised != key else value}"
    override += value if override.endswith("=") else ""
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", ["debug=quick", "folder=unused", override], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        check_config(config, "train")


def test_a_component_of_a_stranger_is_checked(slip, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def loss(samples, clean, measurement, power: int = 2, *, scales: list[float] | None = None): ...\n"
        "class Loss(torch.nn.Module):\n"
        "    def __init__(self, power: int = 2, scales: 'list[float] | None' = None): super().__init__()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = "train debug=quick penalty.dct_crps.estimator={_target_:mine.Loss,%s}"
    assert "penalty.dct_crps.estimator.power" in slip(mine % "power:high")
    assert "did you mean power" in slip(mine % "pwoer:3")
    assert "estimator.scales" in slip(mine % "scales:[a]")
    sys.modules.pop("mine", None)
