"""The clips that are measured: prompts, generation, and what is heard in them."""
