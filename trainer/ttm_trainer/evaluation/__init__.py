"""`ttm-app evaluate`: prompts -> clips -> figures, each with its interval and its conditions.

One module a command: `standard` (FAD, CLAP score, concept coverage), `prompt_adherence` with `adherence_scores` (is
heard what a prompt asks for?), `audio_quality` with `memorisation` (what a listener would notice; copies of the
training data), `sweep` (sampler settings against network evaluations), `examples` (a page of fixed clips), and
`codec_quality` with `codec_baselines`.

`metrics` are the measures of papers and their intervals, `clips` what is generated and heard, `tables` the reports as
tables and pictures; `report` says how figures are told.
"""
