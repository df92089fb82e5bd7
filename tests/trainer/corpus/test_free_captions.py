"""Captions in free wording: true of the clip, kept apart from the prompts that models are measured with."""

from __future__ import annotations

import random
import re

from ttm_trainer.corpus.caption.captions import captions
from ttm_trainer.corpus.caption.free_captions import BEAT, NO_BEAT, asked, fitting, requests
from ttm_trainer.corpus.compose.composer import GENRES
from ttm_trainer.corpus.compose.genres import MAIN
from ttm_trainer.evaluation.clips.prompts import read_prompts
from ttm_trainer.evaluation.clips.targets import BUILT_IN, KINDS, read_targets

ASKED = BUILT_IN.with_name("free_wording.csv")
FACTS = {
    "genre": "house", "moods": ["happy"], "themes": [], "tempo": 124.0, "bpm": 124, "key": "C major", "chords": ["C"],
    "tonality": "major", "metre": "4/4", "section": "", "instruments": ["piano", "drum machine"], "drums": True,
    "roles": {"piano": "chords", "drum machine": "drums"}, "solo": False, "density": "moderate", "dynamics": "medium",
    "change": "steady", "ending": False, "lofi": False, "room": "plate",
}  # fmt: skip


def fours(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.lower())
    return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}


def test_there_are_requests_for_every_genre_and_none_twice():
    assert set(requests()) == set(GENRES)
    texts = [request.text for own in requests().values() for request in own]
    assert len(texts) == len(set(texts)) > 2_600
    assert all(len(own) >= (35 if genre in MAIN else 19) for genre, own in requests().items())
    assert all(request.mood in ("bright", "dark", "any") for own in requests().values() for request in own)
    for own in requests().values():
        assert len(own) // 10 <= sum(request.held_out for request in own) <= 5


def test_none_shares_four_words_in_a_row_with_a_prompt_that_models_are_measured_with():
    measured = [target.text for path in (None, ASKED) for target in read_targets(path).targets]
    measured += [prompt.text for prompt in read_prompts().prompts]
    taken = set().union(*map(fours, measured))
    assert len(taken) > 2_000
    for own in requests().values():
        for request in own:
            assert not fours(request.text) & taken, request.text


def test_the_free_prompts_that_models_are_measured_with_ask_for_every_main_genre():
    targets = read_targets(ASKED).targets
    assert len(targets) == 99 and {target.kind for target in targets} == {"free"} <= set(KINDS)
    assert all(sum(target.genre == genre for target in targets) == 3 for genre in MAIN)
    named = [t for t in targets if re.search(rf"\b{re.escape(t.genre)}\b", t.text, re.IGNORECASE)]
    assert len(named) <= 33  # at most one of three


def test_requests_fit_mood_and_beat():
    for genre in GENRES:
        for tonality in ("major", "minor"):
            for drums in (True, False):
                facts = {"genre": genre, "tonality": tonality, "drums": drums}
                seen, unseen = fitting(facts, False), fitting(facts, True)
                assert not set(seen) & set(unseen)
                for text in seen + unseen:
                    assert not NO_BEAT.search(text) if drums else not BEAT.search(NO_BEAT.sub("", text)), text
    bright = fitting({"genre": "folk", "tonality": "major", "drums": False}, False)
    dark = fitting({"genre": "folk", "tonality": "minor", "drums": False}, False)
    assert set(bright) - set(dark) and set(dark) - set(bright) and set(bright) & set(dark)
    assert fitting({"genre": None, "tonality": None, "drums": True}, False) == []


def test_captions_in_free_wording_begin_with_a_request():
    plain = captions(FACTS, random.Random(1))
    assert len(plain["free"]) == 3
    for text in (t for seed in range(20) for t in captions(FACTS, random.Random(seed))["free"]):
        assert any(text.startswith(request) for request in fitting(FACTS, False)), text
    for text in captions(FACTS, random.Random(1), held_out=True)["free"]:
        assert any(text.startswith(request) for request in fitting(FACTS, True)), text
    unknown = captions(FACTS | {"genre": None}, random.Random(1))
    assert unknown["free"] == [] and len(unknown["short"]) == 3
    draw = random.Random(0)
    assert asked("rain on the roof", ["with piano"], draw) == "rain on the roof, with piano"
    assert asked("rain!", ["with piano"], draw).lower() == "rain! with piano"


def test_requests_that_name_instruments_or_count_beats_are_for_clips_that_have_them():
    facts = {"genre": "prog rock", "tonality": "minor", "drums": True, "metre": "4/4", "instruments": ["organ"]}
    odd = fitting(facts | {"metre": "7/8"}, False)
    assert "seven beats in a bar please" in odd and "five four groove with rock band" not in odd
    assert "seven beats in a bar please" not in fitting(facts, False)
    mariachi = {"genre": "mariachi", "tonality": "major", "drums": False, "metre": "4/4"}
    assert "sombreros and trumpets" in fitting(mariachi | {"instruments": ["trumpet"]}, False)
    assert "sombreros and trumpets" not in fitting(mariachi | {"instruments": ["violin"]}, False)
