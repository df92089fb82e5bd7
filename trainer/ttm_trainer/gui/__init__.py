"""The tab that the trainer adds to the page."""
