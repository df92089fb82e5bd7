"""Players: a player (style, instrument, register) and a span of a section with its chords -> the notes played.

player        what a player is, and the span that it plays
metres        bars of every metre: their pulses and groups, and patterns of sixteenths fitted to them
grooves       drum grooves and fills; figures    patterns of chords, bass and arpeggios
drums, bass, chords, melody    who plays what

Notes come out straight and exact, in beats from the start of the piece; the composer swings and humanises them.
"""
