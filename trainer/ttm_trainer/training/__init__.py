"""Prepared folder -> trained weights: batches, losses, optimizer, loop, previews."""
