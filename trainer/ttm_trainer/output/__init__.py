"""Trained weights -> a model folder with card and credits."""
