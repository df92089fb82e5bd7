"""`python -m musicgen_app` is `ttm-app`."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
