"""Results on disk: files with tags, an index over them, a trash.

library     the results that were kept; index finds them, item is one of them
clip_files  a clip and its sidecar, both or neither
metadata    what made a clip: tags and sidecar -> its request
hand_over   clips as projects of DAWs, MIDI and stems, by the way of `daw`

>>> from musicgen_app.library import Library
"""

from __future__ import annotations

from .library import Library

__all__ = ["Library"]
