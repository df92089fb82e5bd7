"""Free MIDI files -> scores."""
