"""Prepared folder -> trained weights: batches, losses, optimizer, loop, previews."""

PRECISIONS = ("fp32", "bf16", "fp16")  # of the matrix products in training
