"""Trains the models that musicgen_app plays. It imports musicgen_app, never the reverse."""
