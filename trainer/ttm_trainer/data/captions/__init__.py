"""The text that comes with music: files of any encoding, delimited tables as people write them, files beside songs."""
