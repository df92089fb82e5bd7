"""Songs as files: a plan as a chord sheet, as JSON and as MIDI, and what can be done to it.

sheet              a chord sheet as text -> a plan, by the way of sheet_lexer (tokens with their places),
                   sheet_words (entries such as "tempo 96"), chord_row (bars of chords) and keys
sheet_writer       a plan -> the canonical text, which reads back equal
midi, midi_reader  a plan as a MIDI file; any MIDI file as a plan
files              a plan from a file of any form, and into one
operations         transpose, tempo, metre, other chords, other sections
wishes             what a request says of the plan
"""

from __future__ import annotations
