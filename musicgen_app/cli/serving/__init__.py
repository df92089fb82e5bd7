"""`ttm-app gui`, `ttm-app serve` and `ttm-app mcp`: the doors for people, programs and agents."""
