"""`ttm-app evaluate`: prompts -> clips -> embeddings and answers -> figures, each with its interval and its conditions.

prompts.py, concepts.py    what is asked for, and the concepts that should be heard
clips.py, making.py        audio folders matched to prompts; generation that goes on where it stopped
embedding.py, fad.py, alignment.py, ccs.py, judges.py, probe.py    the measures
bootstrap.py               their intervals
run.py, table.py           the whole, as a JSON-safe report and as text
"""
