"""Trained weights -> a model folder with card and credits.

export           weights and settings of a run -> its model folder; adapter_export does it for an adapter
model_card       the card: what it learned from, how, and the kept figures
credits          everybody whose music it learned from
track_facts      what is known of the training tracks, from which plans are borrowed
genre_fitting    vectors of genres, by which prompts are read
preview          clips of fixed prompts, while the run goes on
"""
