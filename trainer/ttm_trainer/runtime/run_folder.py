"""The names of what is in the folder of a training run."""

PREPARED = "prepared"  # the prepared data, unless they were prepared before
RECORD = "run.json"  # the recipe, as it was run
METRICS = "metrics.jsonl"
TIMES = "times.png"  # how times are drawn
LATENT = "latent.json"  # the statistics of the model that training began from
BUNDLE = "bundle"  # the model
ADAPTER = "adapter"  # what is trained in its place with --lora
LOG = "train.log"  # what a run in the background says
OUTCOME = "outcome.json"  # and what it prints at its end
