"""`python -m musicgen_app` is `ttm-app`."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Python has put the current folder first, where a random.py of the user's would be taken for the library's.
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and os.path.abspath(sys.path[0]) != package:
        del sys.path[0]
    from musicgen_app.cli import main

    main()
