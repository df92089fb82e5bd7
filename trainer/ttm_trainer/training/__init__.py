"""Prepared folder -> trained weights: batches, losses, optimizer, loop.

config           every setting of a run
loop             the run, step by step; the place to begin reading
state            weights, their average and the optimizer, new or from a checkpoint
batch            what a step looks at; cluster_sampler and timesteps say which items, and at which times
objective        batch -> losses, by the formulas of losses; muq_layers is what one of them goes through
optim            AdamW, learning rates, averages of the weights
lora             the frozen model with an adapter to train
validation       the loss on held-out items
"""

PRECISIONS = ("fp32", "bf16", "fp16")  # of the matrix products in training
