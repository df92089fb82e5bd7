"""Builds the corpus of the bundled model: composed and rendered music, and free recorded music."""
