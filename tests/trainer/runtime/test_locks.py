"""Two runs do not share a folder."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ttm_trainer.cli.aligner import aligner
from ttm_trainer.cli.codec import codec
from ttm_trainer.runtime.locks import alone


@pytest.mark.parametrize("group", [aligner, codec], ids=["aligner", "codec"])
def test_a_second_run_in_a_folder_is_refused(group, tmp_path):
    with alone(tmp_path / "run"):
        result = CliRunner().invoke(group, ["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")])
    assert result.exit_code != 0 and "is at work in" in str(result.exception)
