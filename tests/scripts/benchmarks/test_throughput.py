"""The benchmark measures what it says; how fast a machine is, is no test."""

import pytest

from pscgan.scripts.benchmarks.throughput import FIGURES, main

TINY = ["generator.width=4", "critic.width=4", "dataset.batch_size=2"]
QUICK = ["--rounds", "1", "--samples", "2", "--device", "cpu"]


def test_two_configs_and_their_ratio_in_one_table(capsys):
    main([*TINY, *QUICK, "--against", "experiment=demo_mmse", "generator.width=4"])
    printed = capsys.readouterr().out
    assert all(figure.split(" /")[0] in printed for figure in FIGURES)
    assert "ratio" in printed


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--samples", "0"], "--samples is 0"),
        (["generator=nonsense"], "nonsense"),
        (["generator.width=0", *QUICK], "width is 0"),
    ],
)
def test_bad_arguments_end_with_code_2_and_are_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
