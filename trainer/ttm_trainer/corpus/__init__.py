"""Builds the corpus of the bundled model: composed and rendered music, and free recorded music.

build      seeds -> a dataset folder: compose/ (score) -> render/ (audio) -> caption/ (captions)
midi/      free MIDI files -> scores, rendered and captioned the same way
recorded   free recorded music, for codecs
challenge  recorded music in the layout of the ICME 2026 challenge
stats      what is in a dataset folder
"""
