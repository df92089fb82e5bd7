"""Inference-style captions (arXiv 2606.07387 §II-B): dense captions rewritten in the style of the prompts people write.

`caption_sets` reads and writes sets of captions. `rules` rewrites without a model; `llm_prompt` asks a language model
(`language_models`) and checks its answer. `run` goes through a set, and `journal` keeps what is done. Every rewritten
caption must pass the test of `forbidden_facts`.
"""
