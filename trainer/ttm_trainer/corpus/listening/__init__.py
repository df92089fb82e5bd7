"""Listens to recordings: sound -> estimated tempo, beats, bars, key, chords, drums and energy, how likely each of them
is right, and the plan and captions that can be made of what is likely enough.

evidence       what is heard in half a minute, and what speaks for it
truth          the same compared with the plan of a composed piece
calibration    evidence -> how likely an answer is right
calibrate      composed pieces -> the calibration and its table
plans          what is likely enough -> a plan
facts          the facts of a clip
captions       what of them is told in words
listen         all of it for a corpus, file by file
"""
