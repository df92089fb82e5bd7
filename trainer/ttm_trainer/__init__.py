"""Trains the models that musicgen_app plays. ttm_trainer imports musicgen_app, never the reverse."""
