"""`ttm-app models`: the commands, and what `show` says."""
