"""A traffic matrix is read, and whoever wrote a wrong one is told where."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.documents.matrices import read_matrix
from controller.model.errors import OperatorError


def written(folder: Path, text: str) -> Path:
    path = folder / "matrix.json"
    path.write_text(text)
    return path


def test_flows_are_read_in_their_order_and_a_pair_may_stand_twice(tmp_path: Path) -> None:
    path = written(tmp_path, '{"name": "mine", "flows": [[0, 3], [2, 1], [0, 3]]}')
    assert read_matrix(path, 4) == ((0, 3), (2, 1), (0, 3))


@pytest.mark.parametrize(
    ("text", "line", "key", "problem"),
    [
        ('{"flows": [[0, 1],\n [1, 2,]]}', 2, None, "is not JSON"),
        ("[[0, 1]]", None, "flows", "needs a list"),
        ('{"flows": []}', None, "flows", "needs a list"),
        ('{"flows": [[0, 1], [1]]}', None, "flows[1]", "is not [source, destination]"),
        ('{"flows": [[0, true]]}', None, "flows[0]", "is not [source, destination]"),
        ('{"flows": [[0, 1], [0, 4]]}', None, "flows[1]", "there is no host 4"),
        ('{"flows": [[-1, 2]]}', None, "flows[0]", "there is no host -1"),
        ('{"flows": [[2, 2]]}', None, "flows[0]", "sends to itself"),
        ("[" * 100_000, None, None, "is not JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, line: int | None, key: str | None, problem: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(OperatorError, match=problem.replace("[", r"\[").replace("]", r"\]")) as told:
        read_matrix(path, 4)
    assert (told.value.file, told.value.line, told.value.key) == (str(path), line, key)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        read_matrix(tmp_path / "none.json", 4)
