"""Every setting of a training in one object: the papers' values, and how they are fitted to the data."""

# The names of `papers.RECIPES`, which takes long to import.
NAMES = ("sketch", "sketch-mamba", "ut-aist", "score-aware", "ucsd-mamba")
