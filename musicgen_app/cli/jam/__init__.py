"""`ttm-app jam`: one warm engine and a line after the other; each makes a clip, or changes the last one.

jam           the command: options, a session and where its lines come from
conversation  orders -> clips and lines; what is kept, played and told
words         a line -> orders: the table of what can be said
edit_words    a line -> an edit: another table
changes       orders -> fields of a request, with what is played as it was
session       the clips of a session, undo and redo
chain         a clip and the edits that were made to it
equivalent    fields of a request, and edits -> the commands that give the same bytes
lines         lines of a terminal, with editing and a history, or of a pipe
player        a program that plays sound, where one is installed
"""
