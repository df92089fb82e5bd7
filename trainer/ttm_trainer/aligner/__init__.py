"""Trains and measures the aligner (`musicgen_app.aligner`) on a dataset folder of captioned clips."""
