"""The commands that the trainer adds to ttm-app; one module a command."""
