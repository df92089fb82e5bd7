"""Who made what a model was trained on."""

from __future__ import annotations

from ttm_trainer.output.credits import credits_of, licences_of


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
