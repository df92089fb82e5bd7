"""The readers of a prompt, one a kind of demand: a table and a few functions each.

text       the prompt in a plain form, typing errors mended; what of it is used, what is said of it
numbers    numbers in words
words      words of styles, drums, voices, instruments, moods
language   the language of a prompt
negation   what is refused
tempo      tempo and pace
metre      the metre
keys       the key
chords     rows of chords
drums      drums, asked for or refused
form       feel, form, length, voices
leftovers  what looks like a demand and is not read
lexicon    the words and expressions that the larger of these look for
"""
