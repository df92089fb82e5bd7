"""Music and captions -> a prepared folder: items, latents, text features and clusters.

config              the settings
pipeline            runs all of it, stage by stage (stages/); the place to begin reading
encoders, embedders the frozen networks that the stages use
latent_statistics   the last step: statistics, and prepared.json
score_report        what the scores are like
clusters            groups of items that are alike
prepared_folder     the result, opened for training
"""
