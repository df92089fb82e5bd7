"""Every limit on user input, and that a request survives JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.errors import RequestError
from musicgen_app.request import ODE_SOLVERS, SEED_MAX, TEXT_LENGTH, GenerationRequest, parse_conditions

SAMPLER = {"solver": "heun", "steps": 30, "guidance": 3.0, "guidance_interval": [0.1, 0.9]}

prompts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=60)
intervals = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda ends: tuple(sorted(ends)))
requests = st.builds(
    GenerationRequest,
    prompt=prompts,
    negative=prompts | st.just(""),
    seconds=st.floats(0.5, 3600),
    seed=st.none() | st.integers(0, SEED_MAX - 64 * 16 + 1),
    steps=st.none() | st.integers(1, 1000),
    guidance=st.none() | st.floats(0, 30),
    guidance_interval=st.none() | intervals,
    solver=st.none() | st.sampled_from(ODE_SOLVERS),
    variations=st.integers(1, 64),
    loudness=st.none() | st.floats(-40, -8),
    best_of=st.integers(1, 16),
)


def refused(match: str, **values) -> None:
    with pytest.raises(RequestError, match=match) as caught:
        GenerationRequest(**{"prompt": "slow piano"} | values).validated()
    assert "\n" not in str(caught.value)


@given(requests)
def test_every_request_within_the_limits_survives_json(request):
    again = GenerationRequest.from_dict(json.loads(json.dumps(request.to_dict(), allow_nan=False)))
    assert again == request.validated() == again.validated()


@given(requests)
def test_resolved_leaves_nothing_open_and_overrides_nothing(request):
    resolved = request.resolved(SAMPLER, max_seconds=3600)
    assert None not in (resolved.seed, resolved.steps, resolved.guidance, resolved.guidance_interval, resolved.solver)
    for name, value in request.validated().to_dict().items():
        if value is not None:
            assert resolved.to_dict()[name] == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(list(GenerationRequest("x").to_dict())) | st.text(max_size=8)


@given(json_values | st.dictionaries(keys, json_values, max_size=11).map(lambda d: {"prompt": "slow piano"} | d))
def test_any_json_gives_a_valid_request_or_a_one_line_request_error(value):
    try:
        request = GenerationRequest.from_dict(value)
    except RequestError as error:
        assert "\n" not in str(error)
    else:
        assert request == request.validated()
        json.dumps(request.to_dict(), allow_nan=False)


def test_explicit_zeros_are_values():
    request = GenerationRequest("slow piano", seed=0, guidance=0, guidance_interval=(0, 0)).resolved(SAMPLER, 30)
    assert (request.seed, request.guidance, request.guidance_interval) == (0, 0.0, (0.0, 0.0))


def test_defaults_come_from_the_model_and_the_seed_is_drawn():
    first, second = (GenerationRequest("slow piano").resolved(SAMPLER, 30) for _ in range(2))
    assert (first.solver, first.steps, first.guidance, first.guidance_interval) == ("heun", 30, 3.0, (0.1, 0.9))
    assert first.seed != second.seed
    whole_way = GenerationRequest("slow piano").resolved(SAMPLER | {"guidance_interval": None}, 30)
    assert whole_way.guidance_interval == (0.0, 1.0)


MEAN_FLOW = {"solver": "mean", "steps": 1, "guidance": 1.0, "guidance_interval": None}
REWARD = {"reward": {"default": 5.0, "min": 0.0, "max": 6.0}}


def test_a_mean_flow_model_refuses_guidance_whatever_the_solver():
    resolved = GenerationRequest("slow piano").resolved(MEAN_FLOW, 30)
    assert (resolved.solver, resolved.steps, resolved.guidance) == ("mean", 1, 1.0)
    assert GenerationRequest("slow piano", solver="euler", guidance=1).resolved(MEAN_FLOW, 30).solver == "euler"
    for values, why in (({"guidance": 3}, "guidance is trained"), ({"negative": "drums"}, "no negative prompt")):
        for solver in (None, "euler"):
            with pytest.raises(RequestError, match=f"MeanFlow.*{why}"):
                GenerationRequest("slow piano", solver=solver, **values).resolved(MEAN_FLOW, 30)
    with pytest.raises(RequestError, match="mean is for MeanFlow models.*euler"):
        GenerationRequest("slow piano", solver="mean").resolved(SAMPLER, 30)


def test_a_model_is_told_the_numbers_that_were_given_and_its_own_for_the_rest():
    other = REWARD | {"energy": {"default": 0.5, "min": 0.0, "max": 1.0}}
    assert GenerationRequest("x").resolved(SAMPLER, 30, other).conditions == {"energy": 0.5, "reward": 5.0}
    told = GenerationRequest("x", conditions={"reward": 0}).resolved(SAMPLER, 30, other)
    assert told.conditions == {"energy": 0.5, "reward": 0.0}
    assert GenerationRequest.from_dict(told.to_dict()) == told
    assert "conditions" not in GenerationRequest("x").to_dict()  # the tags of other models stay as they were


@pytest.mark.parametrize(
    "conditions, scalars, why",
    [
        ({"reward": 7}, REWARD, "condition reward must be a number from 0 to 6"),
        ({"rewrad": 1}, REWARD, "no condition 'rewrad': it has reward"),
        ({"reward": 1}, {}, "no condition 'reward': it has none"),
        ({"reward": True}, REWARD, "reward.* must be a number"),
        ({"reward": math.nan}, REWARD, "reward.* must be a number"),
        ([("reward", 1)], REWARD, "conditions must be numbers by name"),
        ({1: 2}, REWARD, "conditions must be numbers by name"),
    ],
)
def test_conditions_refused(conditions, scalars, why):
    with pytest.raises(RequestError, match=why) as caught:
        GenerationRequest("x", conditions=conditions).validated().resolved(SAMPLER, 30, scalars)
    assert "\n" not in str(caught.value)


def test_conditions_as_they_are_typed():
    assert parse_conditions(["reward=0.9", " energy = 2 "]) == {"energy": 2.0, "reward": 0.9}
    for texts in (["reward"], ["reward="], ["reward=high"], ["reward=1", "reward=2"], ["reward=inf"]):
        with pytest.raises(RequestError, match="condition"):
            parse_conditions(texts)


def test_too_long_for_the_model_names_the_maximum():
    with pytest.raises(RequestError, match=r"seconds.*from 0\.5 to 30$"):
        GenerationRequest("slow piano", seconds=30.01).resolved(SAMPLER, 30)
    assert GenerationRequest("slow piano", seconds=30).resolved(SAMPLER, 30).seconds == 30


@pytest.mark.parametrize("seconds", [0, -1, 0.49, math.nan, math.inf, -math.inf, 1e300, 10**400, "10", True, [10]])
def test_seconds_refused(seconds):
    refused("seconds", seconds=seconds)


@pytest.mark.parametrize("seed", [-1, SEED_MAX + 1, 10**400, 1.0, True, "1"])
def test_seed_refused(seed):
    refused("seed", seed=seed)


def test_every_variation_has_a_valid_seed():
    assert GenerationRequest("x", seed=SEED_MAX).validated().seed == SEED_MAX
    assert GenerationRequest("x", seed=SEED_MAX - 3, variations=4).validated().variations == 4
    refused(f"seed.*{SEED_MAX - 3}", seed=SEED_MAX - 2, variations=4)
    assert GenerationRequest("x", seed=SEED_MAX - 11, variations=4, best_of=3).validated().best_of == 3
    refused(f"seed.*{SEED_MAX - 11}", seed=SEED_MAX - 10, variations=4, best_of=3)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"steps": 1001},
        {"steps": 10.0},
        {"steps": True},
        {"guidance": -0.1},
        {"guidance": 30.1},
        {"guidance": math.nan},
        {"guidance": False},
        {"variations": 0},
        {"variations": 65},
        {"variations": "2"},
        {"best_of": 0},
        {"best_of": 17},
        {"best_of": True},
        {"best_of": None},
        {"solver": "rk4"},
        {"solver": ["euler"]},
        {"guidance_interval": (0.9, 0.1)},
        {"guidance_interval": (-0.1, 1)},
        {"guidance_interval": (0, 1, 1)},
        {"guidance_interval": (0, math.nan)},
        {"guidance_interval": 0.5},
        {"loudness": 0},
        {"loudness": math.nan},
        {"model": ""},
        {"model": 3},
    ],
)
def test_refused(values):
    refused(next(iter(values)), **values)


def test_prompt_is_stripped_and_put_on_one_line():
    assert GenerationRequest("\t slow\npiano \r\n").validated().prompt == "slow piano"
    assert GenerationRequest("π" * TEXT_LENGTH + "  ").validated().prompt == "π" * TEXT_LENGTH
    emoji = "👩‍🎤 música 音楽"
    assert GenerationRequest(emoji).validated().prompt == emoji


@pytest.mark.parametrize(
    "prompt", ["", "  \n", "a" * (TEXT_LENGTH + 1), "a\0b", "a\x1b[31m", "a\x7f", "\ud800", 7, None]
)
def test_prompt_refused(prompt):
    refused("prompt", prompt=prompt)


@pytest.mark.parametrize("negative", ["a" * (TEXT_LENGTH + 1), "a\0b", "\udcff", None])
def test_negative_refused(negative):
    refused("negative", negative=negative)


@pytest.mark.parametrize(
    "value", [None, [], "slow piano", {}, {"prompt": "x", "sead": 1}, {"prompt": "x", "\ud800\n": 1}]
)
def test_from_dict_refused(value):
    with pytest.raises(RequestError) as caught:
        GenerationRequest.from_dict(value)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
