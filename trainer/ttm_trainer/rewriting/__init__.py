"""Inference-style captions (arXiv 2606.07387 §II-B): dense captions rewritten in the style of the prompts people write.

captions.py reads and writes sets; rules.py rewrites without a model; prompt.py asks and checks, chats.py answers;
run.py goes through a set and journal.py keeps what is done; leftovers.py is the test all rewritten captions pass.
"""
