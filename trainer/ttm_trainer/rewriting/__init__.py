"""Inference-style captions (arXiv 2606.07387 §II-B): dense captions rewritten in the style of the prompts people write.

run                 goes through a set of captions
caption_sets        reads and writes such sets
rules               rewrites without a model, by the words of `vocabulary`
llm_prompt          asks a language model and checks its reply; language_models answer
forbidden_facts     the test that every rewritten caption passes
journal             keeps what is done
"""
