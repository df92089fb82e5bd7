"""Clips of the library, and recordings that were sent, as material of programs.

recordings  sound files that were sent, for as long as they are worked with
edits       JSON -> an edit or layers, as work for the queue
exports     clips of the library -> one file for a DAW, a sampler or a sequencer
"""
