"""Trained weights -> a model folder with card and credits; clips of fixed prompts while it trains."""
