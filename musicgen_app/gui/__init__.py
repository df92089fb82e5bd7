"""The page of `ttm-app gui`: Gradio Blocks, a module for each tab, on the `server` of the app.

app                 puts the page together, with its API, and mounts it
doors               what of Gradio's server is open, what may come in there, and the page's policy
tabs/               Create, Library and Models; plug-ins bring more
api, clip_routes    what programs and browsers fetch: functions, and files of clips
strip/              the plan strip of the Create tab and of every card
components, clip_card, html, theme   how things look

Nothing here is imported before the command runs: gradio is an expensive import.
"""
