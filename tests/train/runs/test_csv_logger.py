"""The table of a run."""

import pytest

from pscgan.train.runs.csv_logger import CSVLogger


@pytest.fixture
def logger(tmp_path):
    return CSVLogger(str(tmp_path))


def text(logger):
    return logger.path.read_text().splitlines()


def test_a_row_a_call_a_column_a_name(logger):
    logger.log_metrics({"a": 0.1, "time/images_per_second": 5.0}, step=4)
    logger.log_metrics({"a": 2}, step=8)
    assert text(logger) == ["images_seen,a", "4,0.1", "8,2.0"]


def test_a_new_name_is_a_new_column_empty_in_earlier_rows(logger):
    logger.log_metrics({"a": 1.0}, step=4)
    logger.log_metrics({"b": 2.0}, step=4)
    logger.log_metrics({"b": 3.0, "a": 4.0}, step=8)
    assert text(logger) == ["images_seen,a,b", "4,1.0,", "4,,2.0", "8,4.0,3.0"]


def test_rewinding_drops_what_came_after_the_checkpoint(logger, tmp_path):
    for step in (4, 8, 8, 12):
        logger.log_metrics({"a": float(step)}, step=step)
    again = CSVLogger(str(tmp_path))
    again.rewind(8)
    again.log_metrics({"a": 0.5}, step=12)
    assert text(logger) == ["images_seen,a", "4,4.0", "8,8.0", "8,8.0", "12,0.5"]


def test_a_row_cut_by_a_kill_is_dropped(logger, tmp_path):
    logger.log_metrics({"a": 1.0, "b": 2.0}, step=4)
    with logger.path.open("a") as file:
        file.write("4,1.")
    CSVLogger(str(tmp_path)).rewind(8)
    assert text(logger) == ["images_seen,a,b", "4,1.0,2.0"]


def test_rewinding_what_is_not_there_begins_a_table(logger):
    logger.rewind(0)
    logger.log_metrics({"a": 1.0}, step=4)
    assert text(logger) == ["images_seen,a", "4,1.0"]
