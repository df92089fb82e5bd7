"""Words that are none, and names of artists, are told; words that a text encoder knows are not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from musicgen_app.control.known_words import FILE, is_word
from musicgen_app.control.prompt_parser import read_prompt
from ttm_trainer.corpus.caption import word_list

ROOT = Path(__file__).parents[2]


def told(prompt: str) -> list[str]:
    return [demand.text for demand in read_prompt(prompt).not_understood if demand.kind in ("word", "name")]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("asdkfj", ["asdkfj"]),
        ("flurbish techno, 120 bpm", ["flurbish"]),
        ("calm piano, blargh and florp", ["blargh", "florp"]),
        ("music like Radiohead", ["Radiohead"]),
        ("sounds like radiohead", ["radiohead"]),
        ("something like coldplay, with piano", ["coldplay"]),
        ("a cue in the style of Hans Zimmer, slow", ["Hans Zimmer"]),
        ("a song by Adele", ["Adele"]),
        ("blargh florp wibbly snorf quux", ["blargh florp wibbly snorf quux"]),
    ],
)
def test_what_is_no_word_or_a_name_is_told(prompt, words):
    assert told(prompt) == words


@pytest.mark.parametrize(
    "prompt",
    ["dreamy, rainy lo-fi", "like rain on a window", "something like a storm", "like sunlight through leaves",
     "a colourful, harmonised theatre tune", "soooo slow", "wobbly robot sound", "sounds like Christmas",
     "kanun and ney", "bachata for a rooftop", "unhurried, plinky, bubblegum", "a handheld harp", "DJ VHS"],
)  # fmt: skip
def test_ordinary_words_are_not_told(prompt):
    assert told(prompt) == []


def test_words_of_another_language_are_not_taken_for_none():
    assert told("langsames Lied mit Klavier und ohne Schlagzeug, bitte verträumt") == []


def test_hardly_a_prompt_of_those_we_have_has_a_word_that_is_told():
    prompts = []
    for path in sorted((ROOT / "trainer/ttm_trainer/evaluation/prompt_sets").glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            prompts += [row["prompt"] for row in csv.DictReader(file)]
    alarms = [prompt for prompt in prompts if told(prompt)]
    assert len(alarms) < 0.01 * len(prompts), alarms


def test_a_word_list_leaves_out_what_follows_from_another_word():
    text = word_list.word_list(["dream", "dreams", "dreamy", "Vienna", "cliché"], ["a zithery wobble"])
    lines = text.splitlines()
    assert {"dream", "cliche", "wobble", "zither", "Vienna"} <= set(lines)
    assert not {"dreams", "dreamy", "zithery"} & set(lines)
    assert lines[0].startswith("#") and FILE.read_text().startswith("# Words")
    assert is_word("harmonising") and not is_word("harmglobing")
