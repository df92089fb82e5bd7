"""`ttm-app evaluate`: prompts -> clips -> embeddings and answers -> figures, each with its interval and its conditions.

prompts.py, concepts.py         what is asked for, and the concepts that should be heard
clips.py, making.py, work.py    audio folders matched to prompts; generation that goes on where it stopped; progress
embedding.py, fad.py, alignment.py, ccs.py, judges.py    the measures of papers
bootstrap.py, figures.py        their intervals, and how they are told
run.py, table.py                those as a JSON-safe report and as text

targets.py, agreement.py, following.py, following_table.py    prompts with known targets, and whether they are heard
rhythm.py, harmony.py, listener.py, hearing.py, descriptors.py    tempo, key, drums, genre, instruments of a sound
listening.py, copying.py, music.py    what a listener would notice; copies of the training data
pareto.py, sweep.py             sampler settings against network evaluations
examples.py, pictures.py        a page of fixed clips; spectrograms
"""
