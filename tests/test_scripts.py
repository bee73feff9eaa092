"""What the scripts share: signs of life, errors that are shown, and nothing left running."""

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines of bash with what the scripts share."""
    whole = f"set -euo pipefail\n. script/lib.sh\nend_children_at_exit\n{lines}"
    return subprocess.run(
        ["bash", "-c", whole], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_command_that_fails_shows_what_it_printed():
    done = run("run_aloud Fetching bash -c 'echo no route to host; exit 3' || fail 'it ends here'")
    assert done.returncode == 1
    assert "no route to host" in done.stderr
    assert "Fetching failed" in done.stderr
    assert done.stderr.rstrip().endswith("it ends here")


def test_a_command_that_works_is_quiet():
    done = run("run_aloud Fetching bash -c 'echo chatter'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_failed_process_of_several_is_a_failure():
    done = run("true & a=$!; false & b=$!; true & c=$!; wait_aloud Compiling $a $b $c || echo bad")
    assert done.stdout == "bad\n"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_leaves_nothing_running(sent, code):
    lines = ". script/lib.sh; end_children_at_exit; sleep 60 & echo $!; wait_aloud Compiling $!"
    with subprocess.Popen(
        ["bash", "-c", lines],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # a shell that was started with a signal ignored cannot be told to heed it
        preexec_fn=partial(signal.signal, sent, signal.SIG_DFL),  # noqa: PLW1509 - nothing else runs here
    ) as started:
        assert started.stdout is not None
        child = int(started.stdout.readline())
        started.send_signal(sent)
        assert started.wait(timeout=20) == code
    for _ in range(100):
        if not is_running(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child of an interrupted script still runs")


def is_running(pid: int) -> bool:
    """Tell whether a process works; one that nobody has waited for yet does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("script", ["setup", "test", "demo", "strings", "postgres", "lock"])
def test_scripts_are_sound_bash(script):
    done = subprocess.run(["bash", "-n", ROOT / "script" / script], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("script", ["setup", "test"])
def test_an_unknown_option_is_named(script):
    done = subprocess.run(
        [ROOT / "script" / script, "--no-such-option"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "usage" in done.stderr


def test_help_names_the_quick_run():
    done = subprocess.run(
        [ROOT / "script" / "test", "--help"], capture_output=True, text=True, check=True
    )
    assert "--quick" in done.stdout
