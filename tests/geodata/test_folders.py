"""Output folders appear whole or not at all."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from geodata.paths import (
    MARKER,
    FolderInUseError,
    clear_left_overs,
    replace_file,
    replace_folder,
)


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


KILLED = """
    import os, signal, sys, time
    from pathlib import Path
    from geodata.paths import replace_file, replace_folder
    target = Path(sys.argv[1])
    with (replace_file if sys.argv[2] == "file" else replace_folder)(target) as aside:
        (aside if sys.argv[2] == "file" else aside / "half.txt").write_text("half")
        print("begun", flush=True)
        if sys.argv[3] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
"""


def begin(target, kind, end):
    words = [sys.executable, "-c", textwrap.dedent(KILLED), str(target), kind, end]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    return process


def make_old(folder):
    for entry in folder.iterdir():
        os.utime(entry, (1, 1))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_run_left_is_removed_by_the_next_and_a_live_one_is_left_alone(tmp_path, kind):
    target = tmp_path / "out"
    replace = replace_file if kind == "file" else replace_folder
    with begin(target, kind, "die") as dead:
        dead.wait(timeout=30)
    assert len(names(tmp_path)) == 1
    with begin(target, kind, "live") as alive:
        make_old(tmp_path)
        mine = tmp_path / ".out.notes"
        mine.mkdir()
        with replace(target) as aside:
            (aside if kind == "file" else aside / "x.txt").write_text("whole")
            # The dead one's is gone; the live one's, ours and somebody's notes are there.
            assert len(names(tmp_path)) == 3
        alive.kill()
        alive.wait(timeout=30)
    make_old(tmp_path)
    assert clear_left_overs(target) != []
    assert names(tmp_path) == [".out.notes", "out"]


WRITER = """
    import sys
    from pathlib import Path
    from geodata.paths import replace_folder
    for number in range(100_000):
        with replace_folder(Path(sys.argv[1])) as aside:
            for part in "ab":
                (aside / part).write_text(str(number))
        if not number:
            print("begun", flush=True)
"""


def test_killed_while_it_takes_the_place_there_is_always_one_whole_folder(tmp_path):
    rng = np.random.default_rng(5)
    target = tmp_path / "out"
    for _ in range(12):
        words = [sys.executable, "-c", textwrap.dedent(WRITER), str(target)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "begun\n"
            time.sleep(rng.uniform(0.0, 0.05))
            writer.kill()
        assert (target / "a").read_text() == (target / "b").read_text()


def test_a_young_folder_and_one_with_other_content_are_left_alone(tmp_path):
    young, strange = tmp_path / ".out.abcdefgh.partial", tmp_path / ".out.ijklmnop.partial"
    for folder in (young, strange):
        folder.mkdir()
        (folder / ("mine.txt" if folder is strange else MARKER)).write_text("1")
    os.utime(strange, (1, 1))
    assert clear_left_overs(tmp_path / "out") == []
    os.utime(young, (1, 1))
    assert clear_left_overs(tmp_path / "out") == [young]


def test_an_output_that_was_moved_away_when_its_run_was_killed_comes_back(tmp_path):
    with replace_folder(tmp_path / "out") as aside:
        (aside / "old.txt").write_text("kept")
    (tmp_path / "out").rename(tmp_path / ".out.abcdefgh.old")
    os.utime(tmp_path / ".out.abcdefgh.old", (1, 1))
    assert clear_left_overs(tmp_path / "out") == []
    assert names(tmp_path / "out") == [MARKER, "old.txt"]
