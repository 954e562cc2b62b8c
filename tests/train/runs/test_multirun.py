"""Several runs by one command."""

from ..tiny import command, result


def test_two_seeds_are_two_runs_in_two_folders(tmp_path):
    answer = command("-m", "seed=0,1", "images=16", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    first, second = sorted(path.parent for path in tmp_path.glob("runs/*/result.json"))
    scores = [result(folder) for folder in (first, second)]
    assert [score["images_seen"] for score in scores] == [16, 16]
    assert scores[0]["psnr_degraded"] == scores[1]["psnr_degraded"]  # the same measurements
    assert scores[0]["psnr_sample"] != scores[1]["psnr_sample"]  # of another generator
