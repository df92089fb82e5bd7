"""Trains the models that musicgen_app plays. ttm_trainer imports musicgen_app, never the reverse.

In this list nothing imports what stands above it, so it can be read from either end:

gui, cli        the Train tab of the page, and the commands
options         the options of `ttm-app train` -> a job
costs           what a training will take: dry run, estimate, benchmark
run             a job, from music to a bundle; the place to begin reading
aligner, codec, evaluation    train the aligner and the codec, measure models
output          trained weights -> a bundle with card and credits
recipes         every setting of a training in one object, with the values of the papers
training        a prepared folder -> trained weights
prepare         music and captions -> a prepared folder
rewriting       captions -> captions in the style of prompts
corpus          composes and renders music to train on
data            music files, captions and licences as the user has them -> tracks
runtime         what any long job uses: stages, checkpoints, processes, progress
"""
