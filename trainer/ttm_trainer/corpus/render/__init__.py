"""Score -> audio: instruments, drums and the mix.

render      a whole piece; the place to begin reading
synth       the software synthesiser: notes of one part -> its sound, by sounds and oscillators
drums       drum machines
patches     what notes do not say, drawn at random
mix         the parts -> a mastered piece
"""
