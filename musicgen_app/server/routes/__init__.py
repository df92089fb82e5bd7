"""The routes of the API: jobs, plans, library, models and audio, each a function context -> APIRouter."""
