"""What any long job uses: resumable stages, checkpoints, processes, stop signals, progress.

stage_runner     work that is cut into parts, each of which is done once: preparation
checkpoint       the state of a run as a folder that is whole or not there: training
distributed      the processes of one run, and what they exchange
randomness       random numbers as a function of (seed, step, purpose)
stopping, locks  signals and time limits; one run in a folder
progress, charts what a run shows: a line, metrics.jsonl, curves
run_folder       the names of what is in the folder of a run
background_jobs  runs that outlive the page that started them
flat_names       `--set KEY=VALUE`: nested dataclasses by names with dots
tensors          small computations that several stages share
"""
