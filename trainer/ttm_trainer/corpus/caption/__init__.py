"""Score -> captions in several styles.

facts          what is true of a window; form_facts    what happens in it; plans    the plan that its notes follow
captions       all styles: short, long, dense, plain and free texts of facts
wording        plain words for form, tempo, key, chords; free_captions    requests in free wording
teller         random wording; vocabulary    words of genres, instruments, moods and themes
word_list      a dictionary and our texts -> the words that the reader of prompts knows
"""
