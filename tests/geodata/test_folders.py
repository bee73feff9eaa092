"""Output folders appear whole or not at all."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from geodata.paths import MARKER, FolderInUseError, replace_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_new_folder_appears_with_its_content(tmp_path):
    with replace_folder(tmp_path / "a" / "out") as aside:
        (aside / "x.txt").write_text("1")
        assert not (tmp_path / "a" / "out").exists()
    assert names(tmp_path / "a" / "out") == [MARKER, "x.txt"]
    assert names(tmp_path / "a") == ["out"]


def test_earlier_output_is_replaced_as_a_whole(tmp_path):
    for name in ("old.txt", "new.txt"):
        with replace_folder(tmp_path / "out") as aside:
            (aside / name).write_text(name)
    assert names(tmp_path / "out") == [MARKER, "new.txt"]
    assert names(tmp_path) == ["out"]


def test_failure_leaves_the_earlier_output(tmp_path):
    with replace_folder(tmp_path / "out") as aside:
        (aside / "old.txt").write_text("kept")
    with pytest.raises(ZeroDivisionError), replace_folder(tmp_path / "out") as aside:
        (aside / "half.txt").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path / "out") == [MARKER, "old.txt"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_others_made_is_never_replaced(tmp_path, kind):
    target = tmp_path / "out"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    with pytest.raises(FolderInUseError, match="left as it is"), replace_folder(target):
        pass
    assert target.exists()
    assert names(tmp_path) == ["out"]


def test_empty_folder_may_be_used(tmp_path):
    (tmp_path / "out").mkdir()
    with replace_folder(tmp_path / "out") as aside:
        (aside / "x.txt").write_text("1")
    assert names(tmp_path / "out") == [MARKER, "x.txt"]


def test_killed_process_leaves_the_earlier_output(tmp_path):
    with replace_folder(tmp_path / "out") as aside:
        (aside / "old.txt").write_text("kept")
    script = textwrap.dedent("""
        import os, pathlib, signal, sys
        from geodata.paths import replace_folder
        with replace_folder(pathlib.Path(sys.argv[1])) as aside:
            (aside / "half.txt").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "out"], check=False, env=dict(os.environ)
    )
    assert done.returncode == -signal.SIGKILL
    assert names(tmp_path / "out") == [MARKER, "old.txt"]
