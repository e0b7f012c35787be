"""Files: the old one or the new one, never a device, a folder, or what is read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from tests.attack.files import failing

import closedform as cf
from closedform.cli.main import main
from closedform.errors import InputError
from closedform.tables.output import write_output


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "front.json"
    cf.Formula("x + 1", ["x"]).save(path)
    return path


@pytest.mark.parametrize("name", ["fsync", "replace", "open", "write", "chmod"])
def test_a_failure_leaves_the_old_file(saved: Path, name: str) -> None:
    held = set(os.listdir("/proc/self/fd"))
    with failing(name, errno.ENOSPC), pytest.raises(OSError, match=r"No space left"):
        cf.Formula("x + 2", ["x"]).save(saved)
    assert set(os.listdir("/proc/self/fd")) == held
    assert cf.Formula.load(saved).text == "x + 1"
    assert os.listdir(saved.parent) == [saved.name]


def test_mode_and_link_stay(saved: Path, tmp_path: Path) -> None:
    saved.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(saved)
    cf.Formula("x + 2", ["x"]).save(link)
    assert link.is_symlink()
    assert cf.Formula.load(saved).text == "x + 2"
    assert saved.stat().st_mode & 0o777 == 0o640


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match=r"^path: .* is not a file"):
            write_output(path, "text")
    with pytest.raises(InputError, match=r"^path: cannot write .*there is no folder"):
        write_output(tmp_path / "no" / "file", "text")
    X = np.linspace(1.0, 2.0, 20)[:, None]
    with pytest.raises(InputError, match=r"^checkpoint: cannot write"):
        cf.search(X, values=X[:, 0], options={"checkpoint": tmp_path / "no" / "file"})


def test_the_command_never_writes_over_its_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("x,y\n" + "\n".join(f"{i},{2 * i + 1}" for i in range(20)) + "\n")
    before = data.read_bytes()
    common = ["discover", str(data), "--target", "y", "--evaluations", "2000"]
    assert main([*common, "--save", str(data)]) == 2
    assert "--save: " in capsys.readouterr().err
    assert data.read_bytes() == before


def test_a_result_is_printed_before_a_disk_that_fills_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("x,y\n" + "\n".join(f"{i},{2 * i + 1}" for i in range(20)) + "\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    saved = str(tmp_path / "front.json")
    common = ["discover", str(data), "--target", "y", "--evaluations", "2000"]
    assert main([*common, "--save", saved]) == 2
    said = capsys.readouterr()
    assert "y = " in said.out
    assert "No space left" in said.err
    assert not os.path.exists(saved)


def test_a_checkpoint_that_fails_does_not_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    X = np.linspace(1.0, 2.0, 30)[:, None]
    path = tmp_path / "front.json"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.warns(UserWarning, match=r"^checkpoint: cannot be written"):
            front = cf.search(
                X, values=X[:, 0] ** 2, evaluations=3000, options={"checkpoint": path}
            )
    assert front.best.loss < 1e-20
    again = cf.search(X, values=X[:, 0] ** 2, evaluations=3000, options={"checkpoint": path})
    assert [f.text for f in cf.Front.load(path)] == [f.text for f in again]
