"""Where things live on this machine: environment -> folders; prompt -> file name. Nothing here creates a folder.

`TTM_APP_HOME` moves everything the app keeps (models, config, results, cache) under one folder. RequestError where it
names the home folder of nobody.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from pathlib import Path

from ..errors import RequestError

APP = "ttm-app"


def _home(part: str) -> Path | None:
    """The folder `part` under `TTM_APP_HOME`, or None where that is unset."""
    home = os.environ.get("TTM_APP_HOME")
    return expanded(home, "TTM_APP_HOME: ") / part if home else None


def expanded(path: str | os.PathLike, where: str = "") -> Path:
    """A path whose ~ or ~NAME is the folder of that user. RequestError, with `where` before it: there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise RequestError(
            f"{where}{os.fspath(path)!a} is in the folder of a user who is not here: write the whole path"
        ) from None


def assets() -> Path:
    """The files that come with the app: `musicgen_app/assets` once installed, `assets/` of a checkout otherwise."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def models() -> Path:
    """The user's models. User data, not cache: a cache may be wiped."""
    from platformdirs import user_data_path

    return _home("models") or user_data_path(APP, appauthor=False) / "models"


def adapters() -> Path:
    """The user's adapters of models."""
    from platformdirs import user_data_path

    return _home("adapters") or user_data_path(APP, appauthor=False) / "adapters"


def embedders() -> Path:
    """The networks that score music, where they were downloaded as files of another format."""
    from platformdirs import user_data_path

    return _home("embedders") or user_data_path(APP, appauthor=False) / "embedders"


def config() -> Path:
    """The user's settings."""
    from platformdirs import user_config_path

    return _home("config") or user_config_path(APP, appauthor=False)


def results() -> Path:
    """The music the app keeps in its library."""
    from platformdirs import user_music_path

    return _home("results") or user_music_path() / APP


def runs() -> Path:
    """Where training runs go that are started from the page, unless a folder is given."""
    from platformdirs import user_data_path

    return _home("runs") or user_data_path(APP, appauthor=False) / "runs"


def jobs() -> Path:
    """The records of training runs that were started in the background."""
    from platformdirs import user_data_path

    return _home("jobs") or user_data_path(APP, appauthor=False) / "jobs"


def running() -> Path:
    """What says which programs of the app run, for this user alone; in the cache where the system has no such place."""
    from platformdirs import user_runtime_path

    unknown = sys.platform.startswith("linux") and not os.environ.get("XDG_RUNTIME_DIR")
    return _home("run") or (cache() / "run" if unknown else user_runtime_path(APP, appauthor=False))


def cache() -> Path:
    """Scratch that may be deleted at any time."""
    from platformdirs import user_cache_path

    return _home("cache") or user_cache_path(APP, appauthor=False)


def slug(text: str) -> str:
    """A short file name of a-z, 0-9 and hyphens that is safe on every system."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-") or "music"
