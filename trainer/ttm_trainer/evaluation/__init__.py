"""`ttm-app evaluate`: prompts -> clips -> figures, each with its interval and its conditions.

One file for each command: `standard` (`evaluate MODEL`), `prompt_adherence` (`evaluate following`), `plan_obedience`
(`evaluate plan`), `audio_quality` (`evaluate music`), `loop_seams` (`evaluate loops`), `sweep`, `examples`, and
`codec_quality` with its `codec_baselines` (`codec evaluate`).

challenge/          `ttm-app challenge`: a submission to the 2026 challenge, its rules, figures and entries
clips/              prompts and their targets, generation that goes on where it stopped, and what is heard in a clip
metrics/            the measures of papers: FAD, CLAP score, concept coverage and its judges; intervals; Pareto fronts
report              clips and vectors -> the figures of a report
memorisation        whether clips copy the training data
phrasings           how much of what people write is read as they mean it
tables/             reports as text, as Markdown and as pictures
"""
