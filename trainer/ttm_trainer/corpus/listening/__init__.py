"""Listens to recordings: sound -> estimated tempo, beats, bars, key, chords, drums and energy, how likely each of them
is right, and the plan and captions that can be made of what is likely enough.

`evidence` hears, `calibration` says how likely what was heard is right, `truth` compares it with composed pieces,
`plans` and `captions` write down what is likely, `listen` does it for a corpus.
"""
