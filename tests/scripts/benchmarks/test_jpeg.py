"""The benchmark measures what it says; how fast a machine is, is no test."""

import pytest
import torch

from pscgan.scripts.benchmarks.jpeg import PROJECTED_QUALITIES, main, mosaic, photographs, threads


def test_both_tables(capsys):
    main(["--rounds", "1", "--megapixels", "0.01", "--device", "cpu", "--threads", "1"])
    printed = capsys.readouterr().out
    assert "Pillow" in printed
    assert all(printed.count(f" {quality}  ") >= 4 for quality in PROJECTED_QUALITIES)
    assert printed.count("100 %") == 4 * len(PROJECTED_QUALITIES)  # samplings and starts: the promise holds here too


def test_it_leaves_the_number_of_threads():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_pictures_have_the_size_asked_for():
    assert photographs(32, 128, 128).shape == (32, 3, 128, 128)
    assert photographs(1, 700, 900).shape == (1, 3, 700, 900)
    assert mosaic(1.0)[0, 0].numel() == pytest.approx(1e6, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--rounds", "0"], "--rounds is 0"), (["--threads", "0"], "--threads is 0"), (["--megapixels", "0"], "0")],
)
def test_bad_arguments_end_with_code_2_and_are_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
