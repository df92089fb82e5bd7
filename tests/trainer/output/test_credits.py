"""Who made what a model was trained on."""

from __future__ import annotations

from musicgen_app.machine import paths
from ttm_trainer.output.credits import credits_of, licences_of
from ttm_trainer.output.export import _codec_credits, encoder_files
from ttm_trainer.prepare.encoders import find_encoders


def row(name: str, source: str, licence: str = "CC0-1.0") -> dict:
    return {"set": name, "source": source, "licence": licence, "seconds": 1800.0}


def test_every_source_is_named_once_under_what_it_is():
    rows = [
        row("composed", "ttm-app composer seed 1; soundfont X (MIT)"),
        row("composed", "ttm-app composer seed 2; soundfont X (MIT); drum samples (CC0-1.0)"),
        row("midi", "a.mid of Anna, arranged by ttm-app; soundfont Y (MIT)", "BSD-3-Clause"),
        row("midi", "a.mid of Anna, arranged by ttm-app; soundfont X (MIT)", "BSD-3-Clause"),
        row("recorded", "song.ogg by Berta", "CC-BY-4.0"),
        row("own", "", "unknown"),
    ]
    assert credits_of(rows).splitlines() == [
        "Music composed and rendered by this project's own code (CC0-1.0), with:", "",
        "- drum samples (CC0-1.0)", "- soundfont X (MIT)", "- soundfont Y (MIT)", "",
        "MIDI files, arranged and rendered with the same, with thanks to their makers:", "",
        "- a.mid of Anna (BSD-3-Clause)", "",
        "Recorded music, with thanks to its makers:", "",
        "- 1 tracks of own, makers not named (unknown)", "- song.ogg by Berta (CC-BY-4.0)",
    ]  # fmt: skip
    assert licences_of(rows)[0] == {"name": "composed", "licence": "CC0-1.0", "hours": 1.0}


def test_only_what_there_is_has_a_list():
    assert credits_of([]) == ""
    assert credits_of([row("midi", "a.mid of Anna; soundfont X (MIT)")]).startswith("Rendered by this project's own")
    assert credits_of([row("recorded", "song.ogg by Berta")]).startswith("Recorded music")


def test_a_model_credits_the_codec_that_it_was_given():
    """Also where only the model around the codec says whose music it heard."""
    line = '- zaz-data: usr/share/games/zaz/mus4.ogg, "Progression" by paniq (CC-BY-SA-3.0)'
    for name in ("sketch", str(paths.assets() / "sketch" / "codec")):
        credits = _codec_credits(find_encoders(name)).splitlines()
        assert credits.count(line) == 1 and credits[0].startswith("Music composed") and len(credits) == 290


def test_a_codec_s_own_credits_stand_once_in_a_new_model(tmp_path):
    for file in (paths.assets() / "sketch" / "codec").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "CREDITS.md").write_text("- a song by Dora\n")
    encoders = find_encoders(str(tmp_path))
    assert _codec_credits(encoders) == "- a song by Dora\n"
    assert "codec/model.safetensors" in encoder_files(encoders) and "codec/CREDITS.md" not in encoder_files(encoders)
