"""Seed -> score: genres, forms, harmony, grooves and players."""
