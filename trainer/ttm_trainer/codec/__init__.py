"""Trains the sketch codec (`musicgen_app.codecs.sketch`): audio -> latents that a generator learns, and back."""
