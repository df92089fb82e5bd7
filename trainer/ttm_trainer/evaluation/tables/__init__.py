"""Reports of measures as tables and pictures."""
