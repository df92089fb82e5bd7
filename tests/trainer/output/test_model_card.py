"""The figures of a run in the card of its model."""

from __future__ import annotations

from ttm_trainer.output.model_card import _figures, last_figures


def test_a_loss_that_is_not_finite_is_left_out(tmp_path):
    log = tmp_path / "metrics.jsonl"
    log.write_text('{"step": 5, "val": 0.5, "val_shuffled": NaN}\n')
    assert last_figures(log) == {"val": 0.5, "val_step": 5}
    assert _figures(last_figures(log)).startswith(
        "- loss on held-out items at step 5: 0.5000 with their own captions\n"
    )
