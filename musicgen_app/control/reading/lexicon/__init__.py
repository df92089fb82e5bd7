"""What the readers look for: tables of words and expressions, without the logic. A file a reader."""
