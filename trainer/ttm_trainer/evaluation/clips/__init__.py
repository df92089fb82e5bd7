"""The clips that are measured: prompts, generation, and what is heard in them.

prompts, targets  what is asked for
generate_clips    prompts -> clips of a model
clips             sound files of others, matched to prompts, and the reference beside them
clip_features     clip -> embedder's vector, tempo, key, and what attribute_probe tells from these and descriptors
songs             plans to play: 64 bars each, or sheets of one's own
obedience         a clip and its plan -> chords, tempo, key, drums and energy that were kept
adherence_scores  targets and what is heard -> scores
work              how a long evaluation reports and is stopped
"""
