"""Songs as files: a plan as a chord sheet, as JSON and as MIDI, and what a request makes of it.

sheet              a chord sheet as text -> a plan, by the way of sheet_lexer (tokens with their places),
                   sheet_words (entries such as "tempo 96"), chord_row (bars of chords), and chordpro (directives
                   and lyrics with chords in them)
sheet_writer       a plan -> the canonical text, which reads back equal
midi_writer        a plan -> a MIDI file
midi_reader        any MIDI file -> a plan
plan_files         a plan from a file of any form, and into one
wishes             what a request says of the plan
decision           the plan of every clip of a request, and where each part of it comes from
changes            what can be done to a plan, by name with plain values

The operations themselves are in `control.operations`.
"""

from __future__ import annotations
