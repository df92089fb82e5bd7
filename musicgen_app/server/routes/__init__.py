"""The routes of the API, each a function context -> APIRouter: jobs, edits, recordings, plans, library, exports, models
and audio.

engine   for `ttm-app generate --server` alone
answers  how routes are described
"""
