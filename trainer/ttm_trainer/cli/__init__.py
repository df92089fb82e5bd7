"""The commands that the trainer adds to ttm-app, one module a command, in the order in which they are used.

data, captions              a folder of music checked, its captions as prompts
prepare, train              a prepared folder, a model
evaluate, evaluate_more     `ttm-app evaluate`, and the commands in it
challenge                   a submission to the 2026 challenge, its rules and figures
corpus, codec, aligner      what the bundled model was made with
"""
