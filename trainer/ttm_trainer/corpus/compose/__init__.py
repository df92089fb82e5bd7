"""Seed -> score: genres, forms, harmony, players.

composer      a whole piece, by the rules of its genre (genres/); the place to begin reading
form          sections and what happens in them; harmony    chords; band    who plays
players/      what each part plays; performance    how it comes out: swing, timing, force
score         the result: parts, notes, sections
instruments, theory    what can play, and which notes fit
"""
