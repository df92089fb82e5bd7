"""Seed -> score: genres, forms, harmony, grooves and players.

composer      a whole piece, by the rules of its genre (genres/); the place to begin reading
players       what each part plays; grooves for drums, melody for the lead
score         the result: parts, notes, sections
instruments, theory    what can play, and which notes fit
"""
