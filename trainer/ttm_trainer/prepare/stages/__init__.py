"""The stages of preparation, one file each, in the order in which a track goes through them.

candidates (random stretches are drawn) -> scores (each is scored against the captions) -> selection (the best are kept:
the items) -> latents, and muq where they are wanted. Captions go through text_features alone. `worker` holds what all
of them share, `item_frames` what latents and muq share. `prepare.pipeline` runs them.
"""
