"""The routes of the API: jobs, plans, library, models and audio, each a function context -> APIRouter.

engine   for `ttm-app generate --server` alone
answers  how routes are described
"""
