"""The server of `ttm-app gui`, `ttm-app serve` and `ttm-app mcp`: requests of programs and pages, one after another.

context          what pages and routes share; serving puts it on a socket
request_queue    requests of all pages and programs, one after another through the engine
access           who may come in, and how much they may send
api              the HTTP API /v1: routes/ together, their OpenAPI description, every error in one shape
routes/          a module for each group of addresses
work             what a request is for: clips, an edit, layers
editing/         recordings that were sent, edits and exports
bodies, problems, schemas   what comes in, what is refused, and how both are described
requests         JSON -> a resolved request; a ticket, a clip and a model -> JSON
downloads        a clip as a file of any format
resident         `ttm-app generate` through a server that runs already
agents/          what an agent can do over MCP

The page is `gui`, which stands on this. Nothing here imports gradio.
"""
