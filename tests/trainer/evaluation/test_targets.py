"""The prompts with known targets, and those of real clips."""

from __future__ import annotations

from collections import Counter

import pytest

from musicgen_app.control.prompt_parser import parse_prompt
from musicgen_app.errors import FileError
from ttm_trainer.corpus.compose.genres import MAIN
from ttm_trainer.evaluation.clips.attribute_probe import INSTRUMENTS
from ttm_trainer.evaluation.clips.prompts import read_prompts
from ttm_trainer.evaluation.clips.targets import read_targets, real_targets

HEAD = "id,kind,prompt,genre,instruments,tempo,key,drums\n"


def test_the_built_in_prompts_cover_the_corpus_and_keep_their_form():
    targets = read_targets().targets
    counts = Counter(target.kind for target in targets)
    assert set(counts) == {"short", "long", "free", "dense"} and all(20 <= n <= 25 for n in counts.values())
    assert {t.genre for t in targets} == set(MAIN)
    assert {name for t in targets for name in t.instruments} <= set(INSTRUMENTS)
    assert len({name for t in targets for name in t.instruments}) > 30
    for target in targets:
        words = len(target.text.split())
        low, high = {"short": (10, 25), "long": (30, 60), "free": (5, 40), "dense": (8, 40)}[target.kind]
        assert low <= words <= high, target.id
        if target.kind == "dense":
            told = parse_prompt(target.text)
            assert target.key and (told.tempo, told.tonic) == (target.tempo, target.key[0]), target.id
    assert Counter(t.drums for t in targets)[False] >= 10


def test_prompts_are_not_those_of_other_sets():
    assert not {t.text for t in read_targets().targets} & {p.text for p in read_prompts().prompts}
    assert len({t.text for t in read_targets().targets}) == len(read_targets().targets)


def test_some_takes_the_first_of_each_kind_and_keeps_numbers():
    some = read_targets().some(2)
    assert [t.id for t in some.targets][:3] == ["short-01", "short-02", "long-01"] and len(some.targets) == 8
    assert some.targets[2].number == 24 and len(some.sha256) == 64


def test_a_prompt_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + '1,dense,"jazz, quick",jazz,piano;double bass,180,F minor,no\n2,free,hm,,,,,unsaid\n')
    one, two = read_targets(path).targets
    assert (one.instruments, one.tempo, one.key, one.drums) == (("piano", "double bass"), 180.0, (5, "minor"), False)
    assert (two.genre, two.instruments, two.tempo, two.key, two.drums, two.number) == (None, (), None, None, None, 1)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("1,poem,x,,,,,yes", "kind 'poem'"),
        ("1,free,x,,,fast,,yes", "could not convert"),
        ("1,free,x,,,,X major,yes", "is no key"),
        ("1,free,x,,,,,maybe", "no 'maybe'"),
        ("1.2,free,x,,,,,yes", "an id with a dot"),
    ],
)
def test_prompts_that_make_no_sense_are_refused(tmp_path, row, wrong):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(FileError, match=wrong):
        read_targets(path)


def test_real_clips_are_targets_with_what_their_captions_tell(tmp_path):
    facts = {"genre": "jazz", "tempo": 120.4, "key": "D dorian", "drums": True}
    facts["instruments"] = ["muted trumpet", "piano", "jazz drums", "double bass"]
    row = {"id": "a-0", "folder": str(tmp_path), "path": "a.flac", "start": 10, "seconds": 10.0, "facts": facts}
    row["captions"] = {"short": ["a tune"], "long": [], "dense": ["a tune, 120 BPM, D dorian"]}
    ((short, clip),) = real_targets([row], "short")
    assert (short.text, short.tempo, short.key, short.drums) == ("a tune", None, None, True)
    assert short.instruments == ("trumpet", "piano", "drum kit")
    assert clip.path == tmp_path / "a.flac" and (clip.start, clip.seconds) == (10.0, 10.0)
    ((dense, _),) = real_targets([row], "dense")
    assert (dense.tempo, dense.key) == (120.0, (2, "minor"))
    assert real_targets([row], "free")[0][0].text == "a tune" and real_targets([row], "long") == []
