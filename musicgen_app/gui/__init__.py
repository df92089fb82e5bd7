"""The page of `ttm-app gui`: Gradio Blocks, a module for each tab, over the engine, library and models of the app.

Nothing here is imported before the command runs: gradio is an expensive import.
"""
