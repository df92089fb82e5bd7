from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from musicgen_app.errors import FileError, TTMError
from support.stage_work import SETTINGS, Work
from ttm_trainer.runtime import stage_runner
from ttm_trainer.runtime.stage_runner import (
    check_settings,
    load_part,
    missing_parts,
    run_stage,
    stage_settings,
    write_part,
)


class Fails(Work):
    def __call__(self, part: int) -> stage_runner.Rows:
        if part == 2:
            raise FileError("no such model")
        return super().__call__(part)


class Dies(Work):
    def __call__(self, part: int) -> stage_runner.Rows:
        os._exit(9)


def run(folder: Path, parts: int = 5, work: Work | None = None, show=lambda line: None, **options) -> Path:
    return run_stage(folder, "numbers", SETTINGS, parts, work or Work(), show=show, **options)


def assert_whole(folder: Path, parts: list[int], size: int = 1000) -> None:
    for part in parts:
        rows = load_part(folder, "numbers", part)
        assert set(rows) == {"values", "rows", "bad"}
        assert rows["values"].shape == (size, 2) and (rows["values"] == part).all()
        assert rows["rows"] == [{"part": part, "text": "träumerei\u2028"}]


def hidden(folder: Path) -> list[str]:
    return [p.name for p in (folder / "numbers").iterdir() if p.name.startswith(".")]


def test_parts_are_made_and_reported(tmp_path) -> None:
    lines = []
    assert run(tmp_path, show=lines.append) == tmp_path / "numbers"
    assert_whole(tmp_path, list(range(5)))
    assert isinstance(load_part(tmp_path, "numbers", 0)["values"], np.memmap)
    assert load_part(tmp_path, "numbers", 2)["bad"] == [{"id": "t2", "path": "2.mp3", "reason": "silent"}]
    assert "numbers: left out 2.mp3: silent" in lines
    assert lines[-1].startswith("numbers: 5/5 parts, ") and lines[-1].endswith("/min, 0 s left, 1 bad")
    assert stage_settings(tmp_path, "numbers")["codec"] == {"rate": 25.0, "name": "sketch"}
    assert hidden(tmp_path) == []


def test_progress_tells_rate_and_time_left(monkeypatch) -> None:
    clock, lines = [0.0], []
    monkeypatch.setattr(stage_runner.time, "monotonic", lambda: clock[0])
    progress = stage_runner.StageProgress("latents", 600, lines.append)
    for part in range(600):
        clock[0] += 4.0 if part < 2 else 60.0
        progress.part(part, [])
    assert lines[:2] == [
        "latents: 2/600 parts, 15.0/min, 40 min left",
        "latents: 3/600 parts, 2.6/min, 3.8 h left",
    ]
    assert lines[-1].endswith("600/600 parts, 1.0/min, 0 s left")


def test_only_what_is_missing_is_made(tmp_path) -> None:
    run(tmp_path)
    (tmp_path / "numbers" / "00003").rename(tmp_path / "away")
    made = []
    run(tmp_path, work=lambda part: made.append(part) or Work()(part))
    assert made == [3]
    assert missing_parts(tmp_path, "numbers", 7) == [5, 6]


def test_shards_make_their_own_parts(tmp_path) -> None:
    run(tmp_path, shard=(1, 2))
    assert missing_parts(tmp_path, "numbers", 5) == [0, 2, 4]
    run(tmp_path, shard=(0, 2))
    assert_whole(tmp_path, list(range(5)))
    with pytest.raises(FileError, match="no shard 2 of 2"):
        run(tmp_path, shard=(2, 2))


def test_spawned_workers_make_the_same(tmp_path) -> None:
    lines, before = [], dict(os.environ)
    run(tmp_path, workers=2, show=lines.append)
    assert_whole(tmp_path, list(range(5)))
    assert "numbers: left out 2.mp3: silent" in lines
    assert dict(os.environ) == before


def test_an_error_of_the_work_stops_the_stage(tmp_path) -> None:
    with pytest.raises(FileError, match="no such model"):
        run(tmp_path, work=Fails())
    assert missing_parts(tmp_path, "numbers", 5) == [2, 3, 4]
    with pytest.raises(FileError, match="no such model"):
        run(tmp_path, work=Fails(), workers=2)


def test_a_killed_worker_is_one_line(tmp_path) -> None:
    with pytest.raises(TTMError, match="fewer --workers"):
        run(tmp_path, work=Dies(), workers=2)


def test_many_bad_items_of_a_part_are_summed_up(tmp_path) -> None:
    def work(part: int) -> stage_runner.Rows:
        return {"bad": [{"id": str(i), "path": f"{i}.mp3", "reason": "text"} for i in range(500)]}

    lines = []
    run_stage(tmp_path, "manifest", {}, 1, work, show=lines.append)
    assert len(lines) == stage_runner.LINES + 2
    assert lines[-2] == "manifest: left out 490 more, see manifest/00000/bad.jsonl"
    assert len(load_part(tmp_path, "manifest", 0)["bad"]) == 500


def test_other_settings_are_refused_by_name(tmp_path) -> None:
    run(tmp_path)
    check_settings(tmp_path / "numbers", SETTINGS)
    other = {"seed": 2, "codec": {"rate": 10.77, "name": "sketch"}, "tiers": (0.33, 0.2), "muq": True}
    with pytest.raises(FileError) as error:
        run_stage(tmp_path, "numbers", other, 5, Work(), show=lambda line: None)
    text = str(error.value)
    assert "codec.rate was 25.0, now 10.77; muq was not there, now true; seed was 1, now 2" in text
    assert "tiers" not in text and "name" not in text and "\n" not in text
    assert stage_settings(tmp_path, "numbers")["seed"] == 1


def test_empty_arrays_and_names_with_folders(tmp_path) -> None:
    def work(part: int) -> stage_runner.Rows:
        return {"values": np.zeros((0, 8), np.float16), "offsets": np.zeros(1, np.int64), "rows": []}

    run_stage(tmp_path, "clusters/text-50", {}, 1, work, show=lambda line: None)
    rows = load_part(tmp_path, "clusters/text-50", 0)
    assert rows["values"].shape == (0, 8) and rows["rows"] == []
    assert (tmp_path / "clusters" / "text-50" / "settings.json").exists()


def test_a_missing_or_damaged_part_is_one_line(tmp_path) -> None:
    with pytest.raises(FileError, match="prepare the data"):
        load_part(tmp_path, "numbers", 0)
    with pytest.raises(FileError, match="prepare the data"):
        stage_settings(tmp_path, "numbers")
    run(tmp_path)
    path = tmp_path / "numbers" / "00000" / "values.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileError, match="00000 cannot be read"):
        load_part(tmp_path, "numbers", 0)


def test_a_full_disk_is_one_line_and_leaves_whole_parts(tmp_path, monkeypatch) -> None:
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left on device; free some space.* and run again") as error:
        run(tmp_path)
    assert "\n" not in str(error.value)
    monkeypatch.setattr(os, "fsync", real)
    missing = missing_parts(tmp_path, "numbers", 5)
    assert missing and missing != list(range(5))
    assert_whole(tmp_path, sorted(set(range(5)) - set(missing)))
    assert hidden(tmp_path) == []
    run(tmp_path)
    assert_whole(tmp_path, list(range(5)))


def test_a_stage_on_windows(tmp_path, windows_rules) -> None:
    run(tmp_path)
    run(tmp_path, 7)
    assert_whole(tmp_path, list(range(7)))
    assert hidden(tmp_path) == []


LIMITED = """
    import resource, sys
    from pathlib import Path
    from musicgen_app.errors import FileError
    from support.stage_work import Work
    from ttm_trainer.runtime.stage_runner import run_stage
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    def work(part):
        return Work(1000 if part < 2 else 100_000)(part)

    try:
        run_stage(Path(sys.argv[1]), "numbers", Work.settings, 4, work, show=lambda line: None)
    except FileError as error:
        print(error)
"""


def test_a_real_limit_of_the_system_is_one_line(tmp_path) -> None:
    pytest.importorskip("resource")
    result = python(LIMITED, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1
    assert "File too large; free some space" in result.stdout
    assert missing_parts(tmp_path, "numbers", 4) == [2, 3]
    assert_whole(tmp_path, [0, 1])
    assert hidden(tmp_path) == []


SLOW = """
    import sys, time
    from pathlib import Path
    from support.stage_work import Work
    from ttm_trainer.runtime.stage_runner import run_stage

    run_stage(Path(sys.argv[1]), "numbers", Work.settings, 400, Work(20_000), workers=int(sys.argv[2]))
"""


def command(source: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]


def python(source: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(source, *arguments), capture_output=True, text=True, timeout=60)


def wait_for(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def parts_of(folder: Path) -> list[int]:
    stage = folder / "numbers"
    return [int(p.name) for p in stage.iterdir() if p.name.isdigit()] if stage.is_dir() else []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_kill_at_random_moments_leaves_whole_parts(tmp_path) -> None:
    draw = random.Random(0)
    for _ in range(4):
        before = len(parts_of(tmp_path))
        process = subprocess.Popen(command(SLOW, tmp_path, 1), stdout=subprocess.DEVNULL)
        wait_for(lambda before=before: len(parts_of(tmp_path)) > before + 3)
        time.sleep(draw.random() * 0.03)
        process.kill()
        process.wait()
        done = parts_of(tmp_path)
        assert before < len(done) < 400
        assert_whole(tmp_path, done, 20_000)
    left = hidden(tmp_path)
    run(tmp_path, 400, Work(20_000))
    assert_whole(tmp_path, list(range(400)), 20_000)
    assert hidden(tmp_path) == [], left


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_their_starter(tmp_path) -> None:
    process = subprocess.Popen(command(SLOW, tmp_path, 2), stdout=subprocess.DEVNULL)
    wait_for(lambda: parts_of(tmp_path))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{child}/status").exists() and running(child) for child in children), 10)
    assert_whole(tmp_path, parts_of(tmp_path), 20_000)


def running(pid: str) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_whole_parts(tmp_path) -> None:
    process = subprocess.Popen(command(SLOW, tmp_path, 2), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(lambda: parts_of(tmp_path))
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=10)[1]
    assert b"KeyboardInterrupt" in errors
    assert_whole(tmp_path, parts_of(tmp_path), 20_000)


def test_two_runners_in_one_folder(tmp_path) -> None:
    errors = []

    def runner() -> None:
        try:
            run(tmp_path, 60, Work(5000))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=runner) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert_whole(tmp_path, list(range(60)), 5000)
    assert hidden(tmp_path) == []


def test_who_comes_second_drops_its_part(tmp_path) -> None:
    rows = {"values": np.zeros(3)}
    assert write_part(tmp_path / "stage" / "00000", rows)
    assert not write_part(tmp_path / "stage" / "00000", {"values": np.ones(3)})
    assert load_part(tmp_path, "stage", 0)["values"].tolist() == [0, 0, 0]
    assert os.listdir(tmp_path / "stage") == ["00000"]


def test_settings_are_json(tmp_path) -> None:
    check_settings(tmp_path / "stage", SETTINGS)
    text = (tmp_path / "stage" / "settings.json").read_text()
    assert json.loads(text)["tiers"] == [0.33, 0.2]
    assert (
        stage_runner.digest({"a": 1, "b": 2}) == stage_runner.digest({"b": 2, "a": 1}) != stage_runner.digest({"a": 1})
    )
