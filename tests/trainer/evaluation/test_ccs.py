"""Concept coverage: word lists, what counts as a hit, and the judges: zero-shot, transformers, endpoint."""

from __future__ import annotations

import base64
import io
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from musicgen_app.errors import DependencyError, ModelError, RequestError
from ttm_trainer.evaluation.clips.clips import Clip
from ttm_trainer.evaluation.clips.prompts import Prompt, read_prompts
from ttm_trainer.evaluation.metrics import ccs
from ttm_trainer.evaluation.metrics.concepts import KINDS, WORDS, extract, others
from ttm_trainer.evaluation.metrics.embeddings import Vectors
from ttm_trainer.evaluation.metrics.judges import Answer, AudioLanguageModel, Endpoint, ZeroShot, question


@pytest.fixture
def clip(tmp_path) -> Clip:
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    soundfile.write(tmp_path / "a.wav", wave, 16_000)
    return Clip("a", tmp_path / "a.wav", 0.0, 1.0)


def prompt(number: int, **concepts: str) -> Prompt:
    return Prompt(number, str(number), "music", concepts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A calm jazz tune with acoustic guitar", ("jazz", "acoustic guitar", "calm")),
        ("hiphop with drummachine, acousticguitar", ("hip hop", "drum machine", None)),
        ("Fast drum and bass.", ("drum and bass", None, "fast")),
        ("lo-fi beat, Rhodes, relaxing", ("lo fi", "electric piano", "relaxed")),
        ("A rocket launches over popular houses", (None, None, None)),
        ("post rock and rock", ("post-rock", None, None)),
    ],
)
def test_concepts_are_found_by_the_word_lists(text, found):
    assert extract(text) == {kind: word for kind, word in zip(KINDS, found, strict=True) if word}


def test_the_word_lists_find_the_concepts_of_the_built_in_prompts():
    pairs = [(p.concepts[kind], extract(p.text).get(kind)) for p in read_prompts().prompts for kind in KINDS]
    assert np.mean([given == found for given, found in pairs]) > 0.97
    assert {word for p in read_prompts().prompts for word in p.concepts.values()} <= {
        w for k in KINDS for w in WORDS[k]
    }


def test_contrasts_share_no_word_with_the_concept():
    assert not {"guitar", "acoustic guitar", "electric guitar", "acoustic bass"} & set(
        others("instrument", "acoustic guitar")
    )
    assert (
        "electric piano" not in others("instrument", "Rhodes") and len(others("mood", "sad")) == len(WORDS["mood"]) - 1
    )


class Told:
    """A judge that says yes to what it is told, and has no answer to what it is told to refuse."""

    name, cheap = "told", True

    def __init__(self, yes=(), refused=()):
        self.yes, self.refused, self.asked = yes, refused, []

    def ask(self, clip, concepts):
        self.asked += concepts
        nan = Answer(math.nan, math.nan, "refused")
        return [nan if c in self.refused else Answer(float(c in self.yes), 0.5) for _, c in concepts]


def test_coverage_is_hits_by_three_times_the_prompts(clip):
    pairs = [
        (prompt(0, genre="jazz", instrument="piano", mood="calm"), clip),
        (prompt(1, genre="rock", instrument="drums", mood="dark"), clip),
    ]
    verdicts = ccs.judge_clips(Told(yes=("jazz", "piano", "dark"), refused=("drums",)), pairs, control=False)
    hits, asked = ccs.counts(verdicts)
    assert hits.tolist() == [2, 1] and asked.tolist() == [3, 3] and ccs.unanswered(verdicts) == 1
    assert [column.tolist() for column in ccs.counts(verdicts, "instrument")] == [[1, 0], [1, 1]]
    assert verdicts[0].rows()[2] == {"kind": "mood", "concept": "calm", "heard": False, "yes": 0.0, "no": 0.5}
    assert verdicts[1].rows()[1] == {
        "kind": "instrument", "concept": "drums", "heard": False, "yes": None, "no": None, "note": "refused",
    }  # fmt: skip


def test_equal_logits_are_no_hit_and_a_yes_sayer_is_found_out(clip):
    assert not Answer(0.5, 0.5).heard and Answer(0.1, -math.inf).heard
    pairs = [(prompt(i, genre=g, mood="sad"), clip) for i, g in enumerate(("jazz", "rock", "pop", "jazz"))]
    judge = Told(yes=("jazz", "rock", "pop", "sad"))
    verdicts = ccs.judge_clips(judge, pairs, control=True)
    hits, asked = ccs.counts(verdicts, foreign=True)
    assert (hits == asked).all() and asked.tolist() == [1, 1, 1, 1]  # no other mood to ask about
    assert all(v.foreign[0][1] != v.concepts[0][1] for v in verdicts)
    assert ccs.judge_clips(judge, pairs, control=True) == verdicts


def test_an_embedder_judges_by_the_sentence_against_the_others(clip):
    class Embedder:
        name, sample_rate, seconds, width = "fake", 16_000, 1.0, 4

        def text(self, prompts):
            rows = [[1, 0, 0, 0] if "jazz" in p else [0, 1, 0, 0] if "rock" in p else [0.6, 0, 0.8, 0] for p in prompts]
            return np.array(rows, np.float32)

        def audio(self, waves):
            return np.tile(np.array([[1, 0, 0, 0]], np.float32), (len(waves), 1))

    judge = ZeroShot(Vectors(Embedder()))
    jazz, rock, house = judge.ask(clip, [("genre", "jazz"), ("genre", "rock"), ("genre", "house")])
    assert jazz.yes == pytest.approx(1) and jazz.no == pytest.approx(0.6) and jazz.heard
    assert not rock.heard and not house.heard  # as near as the other genres
    assert "zero-shot fake" in judge.name and "75th" in judge.name


def reply(tops: dict[str, float] | None, text: str = "Yes") -> dict:
    choice: dict = {"message": {"content": text}}
    if tops is not None:
        tokens = [{"token": token, "logprob": value} for token, value in tops.items()]
        choice["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}]}
    return {"choices": [choice]}


@pytest.fixture
def server():
    """A chat server that gives the queued (status, body) replies and keeps the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            web.requests.append((self.path, dict(self.headers), body))
            status, answer = web.replies.pop(0)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.requests, web.replies = [], []
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    web.url = f"http://127.0.0.1:{web.server_port}/v1"
    yield web
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture
def endpoint(server, monkeypatch) -> Endpoint:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setattr("ttm_trainer.evaluation.metrics.judges.time.sleep", lambda seconds: None)
    return Endpoint(server.url + "/", "qwen-omni")


def test_an_endpoint_hears_the_clip_and_answers_by_log_probabilities(server, endpoint, clip):
    server.replies += [
        (200, reply({" Yes": -0.1, "No": -2.0, "yes": -0.05})),
        (200, reply({"**": -0.1, "no": -0.4})),
        (200, reply({"Yes": -0.2})),
    ]
    answers = endpoint.ask(clip, [("genre", "jazz"), ("instrument", "piano"), ("mood", "sad")])
    assert answers == [Answer(-0.05, -2.0), Answer(-math.inf, -0.4), Answer(-0.2, -math.inf)]
    assert [a.heard for a in answers] == [True, False, True]
    path, headers, body = server.requests[1]
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret"
    assert body["model"] == "qwen-omni" and body["temperature"] == 0 and body["logprobs"] is True
    sound, text = body["messages"][0]["content"]
    assert text["text"] == question(("instrument", "piano")) and "piano" in text["text"]
    wave, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["input_audio"]["data"])))
    assert rate == 16_000 and len(wave) == 16_000 and sound["input_audio"]["format"] == "wav"


def test_an_endpoint_without_log_probabilities_is_taken_at_its_word(server, endpoint, clip):
    server.replies += [(200, reply(None, "Yes.")), (200, reply(None, " no, not at all")), (200, reply(None, "Perhaps"))]
    yes, no, neither = endpoint.ask(clip, [("mood", "sad")] * 3)
    assert yes.heard and not no.heard and math.isnan(neither.yes) and "Perhaps".lower() in neither.note


def test_an_endpoint_that_stumbles_is_asked_again_and_a_refusal_counts_as_no_answer(server, endpoint, clip):
    server.replies += [
        (503, b""),
        (429, b"{}"),
        (200, b"not json"),
        (200, reply({"Yes": -0.1})),
        (400, b"{}"),
        (200, {}),
    ]
    good, refused, strange = endpoint.ask(clip, [("mood", "sad")] * 3)
    assert good.heard and math.isnan(refused.yes) and "400" in refused.note and "no chat" in strange.note


def test_an_endpoint_that_cannot_be_used_stops_the_work(server, endpoint, clip):
    server.replies += [(401, b"{}"), (302, b""), *[(500, b"")] * 4]
    for error in (RequestError, RequestError, DependencyError):
        with pytest.raises(error):
            endpoint.ask(clip, [("mood", "sad")])
    assert {path for path, *_ in server.requests} == {"/v1/chat/completions"}  # a redirect is not followed
    for url, model in (("localhost:1", "m"), (server.url, "")):
        with pytest.raises(RequestError):
            Endpoint(url, model)


@pytest.fixture(scope="module")
def audio_model(tmp_path_factory):
    """A Qwen2-Audio of toy size with random weights and a word-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        WhisperFeatureExtractor,
    )

    special = ["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<|im_start|>", "<|im_end|>"]
    words = ["?", *special, "Yes", "No", "music", "piano", "jazz", "mood", "Is", "the", "sad"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="?", pad_token="?", additional_special_tokens=special
    )
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Qwen2AudioConfig(
        audio_config={"d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16,
                      "num_mel_bins": 8, "max_source_positions": 100, "model_type": "qwen2_audio_encoder"},
        text_config=small | {"num_key_value_heads": 2, "vocab_size": len(words), "model_type": "qwen2"},
        audio_token_index=words.index("<|AUDIO|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("judge") / "toy"
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    features = WhisperFeatureExtractor(feature_size=8, chunk_length=2)
    Qwen2AudioProcessor(features, fast).save_pretrained(folder)
    return folder


def test_an_audio_language_model_answers_by_its_logits(audio_model, clip, tmp_path):
    judge = AudioLanguageModel(audio_model, device="cpu")
    assert "Qwen2Audio" in judge.name and judge.sample_rate == 16_000
    first, second = judge.ask(clip, [("genre", "jazz"), ("mood", "sad")])
    assert all(map(math.isfinite, (first.yes, first.no))) and first != second  # it reads the question
    soundfile.write(tmp_path / "b.wav", 0.3 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    assert judge.ask(Clip("b", tmp_path / "b.wav"), [("genre", "jazz")]) != [first]  # and hears the clip
    assert judge.ask(clip, [("genre", "jazz")]) == [first]


def test_a_folder_that_is_no_audio_language_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no audio language model"):
        AudioLanguageModel(tmp_path)
