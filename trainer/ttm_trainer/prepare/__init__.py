"""Manifest -> segments, scores, latents, text features and clusters in a prepared folder."""
