"""Sound -> what is heard in it.

spectra              STFT and mel spectrograms
tempo, beats         onsets, the tempo, beats and bar lines
key, chords          pitch classes, the key, the chord of every beat
numbers              tempo, harmony and width as numbers, for the aligner
seam                 a loop -> how smooth its seam is
estimate             a recording -> the plan it seems to follow
artefacts            what a listener would find odd
"""
