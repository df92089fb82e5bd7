"""Songs as files: a plan as a chord sheet, as JSON and as MIDI, and what can be done to it.

sheet, sheet_lexer  a chord sheet as text -> a plan
sheet_writer        a plan -> the canonical text, which reads back equal
midi, midi_reader   a plan as a MIDI file; any MIDI file as a plan
operations          transpose, tempo, metre, other chords, other sections
files               a plan from a file of any form, and into one
"""

from __future__ import annotations
