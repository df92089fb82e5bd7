"""Score -> captions in several styles."""
