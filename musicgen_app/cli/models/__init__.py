"""`ttm-app models`: the commands, those of adapters, and what `show` says."""
