"""Every setting of a training in one object: the papers' values, and how they are fitted to the data."""
