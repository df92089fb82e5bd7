"""Score -> captions in several styles.

facts          what is true of a window; form_facts    what happens in it; plans    the plan that its notes follow
captions       short, long and dense texts of facts; free_captions    requests in free wording
vocabulary     words of genres, instruments, moods and themes
"""
