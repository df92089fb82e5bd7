"""What music a prompt asks for, as facts: tempo, metre, key, chords, drums and genre, and the plan made of them.

prompt_parser     prompt -> what it states in so many words
chord_reader      chord symbols as people write them -> symbols of `theory`
key_names         keys as sheets and options write them, and back
genre_classifier  prompt -> the genre it means, where it names none
genre_kin         the known genre that is nearest to a style; genres that instruments rule out
known_words       words of a prompt that are none, and names of artists
planner           all of it, and pieces of the training -> the plan of a clip
plan, grid        the plan, and the grid of numbers that a backbone is given
bars              how long a clip of so many bars is, and a loop
operations        a plan in another key, tempo or metre, with other chords or other sections
theory            notes, modes, chords and metres
"""
