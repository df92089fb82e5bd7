"""Score -> audio. The signal's way: parts -> channel strips -> sends -> bus -> master.

render       a whole piece; the place to begin reading
casting      who plays a part: soundfont, layers, double takes, amplifier; and whom to credit
soundfonts   General MIDI parts and drums, through FluidSynth
synth        the software synthesiser: notes of one part -> its sound, by sounds and oscillators
drums        drum parts: a version for every hit, of drum_sounds or of a soundfont
patches      what notes do not say, drawn at random
strips       channel strips: amplifier, equaliser, compressor and movement of each kind of instrument
mix          levels, places, the two rooms that parts are sent to, the bus
master       tone, width and loudness of records
effects      what strips, mix and master are made of
"""
