"""Training runs in the background: they outlive who started them, are found again, stopped and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from musicgen_app import cli
from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import paths
from musicgen_app.models.bundle import open_bundle, verify
from support.background_run import prepare_tiny, tiny_options, until
from ttm_trainer.runtime import background_jobs
from ttm_trainer.runtime.background_jobs import (
    FAILED,
    FINISHED,
    KILLED,
    RUNNING,
    STOPPED,
    STOPPING,
    BackgroundJob,
    Jobs,
    Status,
)

STARTER = """
import json, sys
from pathlib import Path
from ttm_trainer.runtime.background_jobs import Jobs
options = json.loads(sys.argv[2])
Jobs(Path(sys.argv[1])).start(options)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return prepare_tiny(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def mine(tmp_path):
    """Jobs in a folder of their own; what still runs at the end of the test is ended."""
    found = Jobs(tmp_path / "jobs")
    yield found
    for job in found.list():
        if process := background_jobs.process_of(job):
            process.kill()
            process.wait(10)


def sleeper() -> psutil.Process:
    """A process that does nothing for a while."""
    return psutil.Process(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)


def record(mine: Jobs, out: Path, **fields: object) -> BackgroundJob:
    """A job as an earlier program left it: only its record and what is in its run folder."""
    job = BackgroundJob("0123456789ab", out, ("--data=/music",), "/", "2026-01-01T00:00:00Z", **fields)
    mine.folder.mkdir(parents=True, exist_ok=True)
    mine._write(job)
    return job


def status(mine: Jobs, job: BackgroundJob, **options: int) -> Status:
    """How the job is doing by its record as it is now."""
    return mine.status(mine.get(job.id), **options)


@pytest.mark.slow
def test_a_run_outlives_its_starter_is_stopped_and_gone_on_with(home, data, mine, tmp_path):
    out = tmp_path / "run"
    options = tiny_options(str(data), str(out), steps=3000, preview_every=4)
    command = [sys.executable, "-c", STARTER, str(mine.folder), json.dumps(options)]
    subprocess.run(command, check=True, timeout=60)

    (job,) = Jobs(mine.folder).list()  # another program, which knows nothing but the folder
    assert job.out == out and job.name == "run"
    assert os.getsid(job.process[0]) == job.process[0] != os.getsid(0)
    running = until(lambda: (found := status(mine, job)).previews and found)
    assert (running.state, running.bundle) == (RUNNING, None) and running.running
    assert running.position.total == 3000 and 0 < running.position.step < 3000
    assert running.rows[0]["step"] == 2 and "loss" in running.rows[0] and running.log
    assert running.previews[0].path.read_bytes()[:4] == b"RIFF" and running.previews[0].step % 4 == 0
    with pytest.raises(RequestError, match="is at work already"):
        mine.start(options)
    with pytest.raises(RequestError, match="stop it first"):
        mine.forget(job.id)

    mine.stop(job.id)
    assert mine.state(mine.get(job.id))[0] in (STOPPING, STOPPED)
    until(lambda: mine.state(mine.get(job.id))[0] == STOPPED)
    (kept,) = out.glob("step-*")
    assert json.loads((out / "outcome.json").read_text())["code"] == 130
    stopped = status(mine, job)
    assert stopped.message == f"after step {int(kept.name[5:])}, as asked; it goes on when you resume it"
    assert stopped.position.step == int(kept.name[5:]) and "SIGTERM" in stopped.log[-1]

    changed = replace(mine.get(job.id), arguments=(*job.arguments, f"--stop-at={int(kept.name[5:]) + 3}"))
    mine._write(changed)
    resumed = mine.resume(job.id)
    assert resumed.process != job.process and resumed.log_from > 0
    until(lambda: not status(mine, job).running)
    done = status(mine, job)
    assert (done.state, done.position.step) == (STOPPED, int(kept.name[5:]) + 3), done
    assert not any("SIGTERM" in line for line in done.log)  # of the earlier start
    bundle = open_bundle(done.bundle)
    verify(bundle)
    assert bundle.name == "tones"
    mine.forget(job.id)
    assert mine.list() == [] and out.exists()


def test_a_run_that_fails_says_why(data, mine, tmp_path):
    job = mine.start(tiny_options(data, tmp_path / "bad", preset="nobody"))
    until(lambda: not status(mine, job).running)
    found = status(mine, job)
    assert found.state == FAILED and "'nobody' is not one of 'sketch'" in found.message
    assert found.log[-1].startswith("error: ")
    until(lambda: not psutil.pid_exists(job.process[0]))  # somebody waited for it


def test_a_recycled_number_is_not_taken_for_the_job(mine, tmp_path):
    other = sleeper()
    try:
        job = record(mine, tmp_path, process=(other.pid, other.create_time()))
        assert mine.state(job)[0] == RUNNING
        job = record(mine, tmp_path, process=(other.pid, other.create_time() - 60))
        assert mine.state(job)[0] == KILLED
        with pytest.raises(RequestError, match="does not run"):
            mine.stop(job.id)
        assert other.is_running() and other.status() != psutil.STATUS_ZOMBIE
        mine.forget(job.id)
    finally:
        other.kill()
        other.wait()


def test_one_that_does_not_heed_is_ended_at_once(mine, tmp_path):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child.stdout.read(1)
    job = record(mine, tmp_path, process=(child.pid, psutil.Process(child.pid).create_time()))
    assert mine.stop(job.id).asked_to_stop and mine.state(mine.get(job.id))[0] == STOPPING
    mine.stop(job.id, at_once=True)
    assert child.wait(10) == -signal.SIGKILL
    child.stdout.close()
    assert mine.state(mine.get(job.id)) == (STOPPED, "as asked; it goes on when you resume it")


@pytest.mark.parametrize(
    ("printed", "state", "message"),
    [
        ("", KILLED, "without a word"),
        ("not JSON", KILLED, "without a word"),
        ("[]", KILLED, "without a word"),
        ('{"error": {"message": "the disk is full", "code": 3}}', FAILED, "the disk is full"),
        ('{"error": {"message": "cancelled", "code": 130}}', STOPPED, "as asked"),
        ('{"step": 5, "finished": true, "stopped": null}', FINISHED, "all 5 steps"),
        ('{"step": 5, "finished": false, "stopped": "time limit"}', STOPPED, "after step 5, its time was over"),
    ],
)
def test_what_a_job_printed_at_its_end(mine, tmp_path, printed, state, message):
    (tmp_path / "outcome.json").write_text(printed)
    job = record(mine, tmp_path, process=(os.getpid(), 1.0))
    found = status(mine, job)
    assert found.state == state and message in found.message
    assert (found.position, found.rows, found.log, found.previews, found.bundle) == (None, [], [], [], None)


def test_a_run_folder_in_any_state_is_read(mine, tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 2, "loss": 1.0}\n[1]\n{"loss": 2}\n"x"\n{"step": 4, "lo')
    (tmp_path / "train.log").write_bytes(
        b"old\nnote: \x1b[31mred\nstep 340/4000  loss 1.2  lr 0.0001  22.1 samples/s  12 min left  1.2 GiB\n\xff\n"
    )
    for name in ("previews/step-0000002/1-slow-piano.wav", "previews/step-2/1-x.wav", "previews/step-0000004/2-a.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    job = record(mine, tmp_path, log_from=4)
    found = status(mine, job)
    assert found.rows == [{"step": 2, "loss": 1.0}]
    assert found.log[0] == "note: ?[31mred" and len(found.log) == 3
    assert (found.position.step, found.position.total) == (340, 4000)
    assert (found.position.speed, found.position.left) == ("22.1 samples/s", "12 min")
    assert [(p.step, p.title) for p in found.previews] == [(4, "a"), (2, "slow piano")]
    assert len(status(mine, job, lines=1).log) == 1


def test_the_trainers_own_line_is_read_back():
    from ttm_trainer.runtime.progress import Log, position

    said = []
    log = Log(None, 0, 20, said.append, every=2)
    log.step(1, 8, loss=2.0)
    log.step(2, 8, loss=1.0)
    log.samples = 0
    log.step(4, loss=1.0)
    assert [(found.step, found.total) for found in map(position, said)] == [(2, 20), (4, 20)]
    assert position(said[0]).speed.endswith("samples/s") and position(said[1]).speed.endswith("steps/s")
    assert position("step 4  val 0.5123") is None and position("") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"schema": 1}', '{"schema": 2}',
        '{"schema": 1, "id": "0123456789ab", "out": 3, "arguments": [], "folder": "/", "started": "x", "process": null,'
        ' "log_from": 0, "asked_to_stop": false}',
        '{"schema": 1, "id": "0123456789ab", "out": "/x", "arguments": [], "folder": "/", "started": "x",'
        ' "process": ["1", "2"], "log_from": 0, "asked_to_stop": false}',
        '{"schema": 1, "id": "0123456789ab", "out": "/x", "arguments": [], "folder": "/", "started": "x",'
        ' "process": [1e999, 2], "log_from": 0, "asked_to_stop": false}',
        '{"schema": 1, "id": "another", "out": "/x", "arguments": [], "folder": "/", "started": "x", "process": null,'
        ' "log_from": 0, "asked_to_stop": false}',
    ],
)  # fmt: skip
def test_records_that_are_none_are_named_and_harm_nothing(mine, tmp_path, text):
    good = record(mine, tmp_path)
    os.rename(mine.folder / f"{good.id}.json", mine.folder / "ba9876543210.json")
    (mine.folder / "0123456789ab.json").write_text(text)
    (mine.folder / "deep.json").write_text("[" * 100_000)
    found, faults = mine.scan()
    assert found == [] and len(faults) == 3  # the good one has another's name
    assert all("remove it" in str(fault) for fault in faults.values())
    with pytest.raises(FileError):
        mine.get("0123456789ab")
    for id in ("../../etc/passwd", "", "0123456789AB", "ffffffffffff"):
        with pytest.raises(FileError):
            mine.get(id)


def test_a_number_that_no_process_can_have(mine, tmp_path):
    for number in (0, -1, 2**31, 2**70):
        assert background_jobs.process_of(record(mine, tmp_path, process=(number, 1.0))) is None


def test_folders_that_cannot_be_are_refused_before_anything_is_written(data, mine, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    for out, message in (
        ("runs/mine", "whole path"),
        (data / "run", "lies in the folder with the music"),
        (data, "lies in the folder with the music"),
        (tmp_path / "full", "holds something else"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "x\0y", "null"),
    ):
        with pytest.raises((RequestError, FileError), match=message):
            mine.start(tiny_options(data, out))
    with pytest.raises(FileError, match="no folder"):
        mine.start(tiny_options(tmp_path / "nowhere", tmp_path / "run"))
    with pytest.raises(RequestError, match="null character"):
        mine.start(tiny_options(data, tmp_path / "run", name="a\0b"))
    assert not mine.folder.exists() and not (tmp_path / "run").exists()


def test_text_of_the_user_is_one_argument_whatever_it_is(mine, data, tmp_path, monkeypatch):
    seen = {}

    def spawn(command, **options):
        seen.update(options, command=command)
        raise OSError(2, "no such program")

    monkeypatch.setattr(subprocess, "Popen", spawn)
    name = '"; rm -rf / #\n$(id) --force'
    with pytest.raises(FileError, match="no such program"):
        mine.start(tiny_options(data, tmp_path / "r u n", name=name, seed=0, separate=True, lr=None, licence=""))
    assert f"--name={name}" in seen["command"] and f"--out={tmp_path / 'r u n'}" in seen["command"]
    assert "--seed=0" in seen["command"] and "--separate" in seen["command"]
    assert not any(argument.startswith(("--lr", "--licence", "--force")) for argument in seen["command"])
    assert "shell" not in seen and seen["start_new_session"] and seen["command"][0] == sys.executable


def test_records_lie_with_the_users_data(monkeypatch, tmp_path):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    assert Jobs().folder == tmp_path / "home" / "jobs" == paths.jobs()
    assert Jobs().list() == [] and not (tmp_path / "home").exists()


def test_a_job_is_listed_with_the_newest_first(mine, tmp_path):
    for number, day in enumerate(("02", "03", "01")):
        mine.folder.mkdir(exist_ok=True)
        mine._write(BackgroundJob(f"{number:012x}", tmp_path, (), "/", f"2026-01-{day}T00:00:00Z"))
    assert [job.started[8:10] for job in mine.list()] == ["03", "02", "01"]


def test_the_command_line_lists_them(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path))
    (tmp_path / "train.log").write_text("step 340/4000 loss 1.2 22.1 samples/s 12 min left")
    job = record(mine, tmp_path)
    (mine.folder / "broken.json").write_text("{")
    assert cli.run(["train", "jobs"]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"killed           340/4000  {tmp_path}\n" and "broken.json is no record" in shown.err
    assert cli.run(["train", "jobs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"], row["step"], row["steps"]) == (job.id, "killed", 340, 4000)
