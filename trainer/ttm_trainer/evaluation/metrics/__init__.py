"""Measures of sets of clips: distances, scores and their intervals."""
