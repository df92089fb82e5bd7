"""What people write, read as they mean it: phrasings by people who did not know the parser."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.control.planner import plans_for
from musicgen_app.control.prompt_parser import Reading, parse_prompt, read_prompt
from musicgen_app.errors import FileError
from ttm_trainer.evaluation.phrasings import FIELDS, RIGHT, TOLD, WRONG, judge, read_phrasings, shares, table

SETS = sorted((Path(__file__).parent / "phrasings").glob("*.jsonl"))
LIMIT = 0.02  # seconds of a core, for a prompt of 2,000 characters
SEEDS = (
    "no drums, not techno, 120 bpm, Am F C G, in five, key of D, without guitars, ", "a ", "1 2 3 4 5 6 7 ",
    "I V vi IV ii ", "no no not without ", "A-7 D7 G^7 ", "((((", "----", "half of half ", "C# C# ", ", , , ", "\n",
    "beats per minute ", "in a in the in ", "Am | ", "x2 x3 % ", "one hundred and ", "a\u0301", "di", "(no ", "7/8",
    "the full orchestra tells of a ship that leaves the harbour at dawn, and strings swell beneath an oboe. ",
)  # fmt: skip


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_what_people_write_is_read_or_told(path):
    verdicts = [judge(row) for row in read_phrasings(path)]
    print(f"\n{path.stem}\n{table(verdicts)}")
    found = shares(verdicts)
    wrong = [(verdict.text, verdict.fields) for verdict in verdicts if verdict.whole == WRONG]
    assert found[RIGHT] + found[TOLD] >= 0.98 and found[RIGHT] >= 0.9, wrong
    assert found[WRONG] == 0, wrong


def test_a_wrong_reading_is_seen():
    row = dict.fromkeys(FIELDS) | {"text": "techno, 128 bpm", "lang": "en", "genres": ["techno"], "not": [], "told": []}
    assert judge(row | {"tempo": 128}).whole == RIGHT
    assert judge(row | {"tempo": 120}).fields["tempo"] == WRONG
    assert judge(row | {"tempo": 128, "not": ["drums"]}).whole == WRONG
    told = judge(row | {"text": "techno, 1128 bpm", "tempo": 128})
    assert told.whole == TOLD and told.fields["tempo"] == TOLD
    assert "| tempo | 0.0% | 100.0% | 0.0% |" in table([told])


@pytest.mark.parametrize("text", ["[]", "{", '{"text": 1}', '{"text": "slow"}'])
def test_a_file_that_holds_no_phrasings(tmp_path, text):
    (tmp_path / "mine.jsonl").write_text(text)
    with pytest.raises(FileError, match="no file of phrasings"):
        read_phrasings(tmp_path / "mine.jsonl")


def holds(reading: Reading) -> None:
    """What is true of any reading."""
    demands = (*reading.understood, *reading.approximated, *reading.not_understood)
    assert all(demand.text for demand in demands)
    assert all(demand.meaning for demand in reading.understood)
    assert all(demand.why for demand in (*reading.approximated, *reading.not_understood))
    assert reading.wanted == reading.prompt or reading.unwanted
    assert reading.facts.vector().shape == (61,)
    (plan,) = plans_for(parse_prompt(reading.prompt), None, [0], None)
    plan.check()


@given(st.text(max_size=400))
def test_any_text_can_be_read(text):
    holds(read_prompt(text))


@pytest.mark.slow
def test_mutated_prompts_can_be_read():
    """Letters of real prompts lost, doubled, changed and mixed with signs of every kind."""
    rng = random.Random(0)
    texts = [row["text"] for path in SETS for row in read_phrasings(path)]
    odd = "♭♯♩ø°Δ^-–—/|()[]{}%,;:.!?'\"\u0301\u200d\u202e\ufeff\x00\ud800ÅßİıﬁＡ１🎵\n\t 0123456789ABCDEFGHabmIViv"
    for _ in range(2_000):
        letters = list(rng.choice(texts) + rng.choice(texts))
        for _ in range(rng.randrange(1, 12)):
            place = rng.randrange(len(letters))
            letters[place : place + rng.randrange(3)] = rng.choices(odd, k=rng.randrange(3))
        holds(read_prompt("".join(letters)))


@pytest.mark.parametrize("seed", SEEDS)
def test_long_prompts_are_read_quickly(seed):
    read_prompt(seed)  # tables are made once
    text = (seed * 2_000)[:2_000]
    best = min(_seconds(text[: 2_000 - number]) for number in range(5))
    assert best < 3 * LIMIT  # three times as much: test machines are slow


def _seconds(text: str) -> float:
    start = time.process_time()
    read_prompt(text)
    return time.process_time() - start
