"""The page of `ttm-app gui`: Gradio Blocks, a module a tab, over the same Engine, library and store as the command line.

Nothing here is imported before the command runs: gradio is an expensive import.
"""
