"""`ttm-app plan`: what would be played and why, and what can be done to a plan in a file."""

from __future__ import annotations
