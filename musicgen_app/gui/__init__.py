"""The page of `ttm-app gui`: Gradio Blocks, a module for each tab, over the engine, library and models of the app.

server              settings -> the running page; app puts it together, access says who may come in
context             what every tab is given
tabs/               Create, Library and Models; plug-ins bring more
request_queue       requests of all pages and programs, one after another through the engine
api, clip_routes    what programs and browsers fetch: functions, and files of clips
components, clip_card, html, theme   how things look

Nothing here is imported before the command runs: gradio is an expensive import.
"""
