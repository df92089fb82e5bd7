"""Trains the models that musicgen_app plays. trainer imports musicgen_app, never the reverse."""
