"""Foreign checkpoints -> model folders."""
