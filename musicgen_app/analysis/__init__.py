"""Sound -> tempo, key, artefacts and spectra."""
