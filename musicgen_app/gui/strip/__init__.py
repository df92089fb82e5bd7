"""The plan strip of the page: a plan as bars that are typed, moved, copied, split, locked and drawn again.

bars, words         a plan <-> its bars, section by section; a bar as it is typed, shown and read aloud
state               what the browser keeps of it, checked; what of it goes into a request
reading, drawing    what a prompt is decided as; bars that are drawn anew
actions, view       what was done in the browser -> the strip as it is then, and as it is shown
routes              the one address that the browser asks

All reading and spelling of music is done here: the browser knows no chords.
"""
