"""Judges, which say whether a concept is heard in a clip: an embedder, or an audio language model here or on a server.

A judge answers with two numbers, for yes and for no: logits where the model has them. The challenge's judge is
Qwen3-Omni-30B-A3B, which `AudioLanguageModel` and `Endpoint` can run.
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from musicgen_app.errors import DependencyError, FileError, ModelError, RequestError

from ..clips.clips import Clip
from .concepts import others
from .embeddings import Vectors

Concept = tuple[str, str]  # kind, words
QUESTIONS = {
    "genre": "Is {} the genre of this music?",
    "instrument": "Can you hear this instrument in the music: {}?",
    "mood": "Is the mood of this music {}?",
}
FORM = " Answer with Yes or No only."


@dataclass(frozen=True)
class Answer:
    """Numbers for yes and for no; both NaN where the judge gave no answer, `note` says why."""

    yes: float
    no: float
    note: str = ""

    @property
    def heard(self) -> bool:
        return self.yes > self.no


class Judge(Protocol):
    name: str  # who it is, with hash or revision, and how it decides
    cheap: bool  # asking twice as much costs next to nothing

    def ask(self, clip: Clip, concepts: Sequence[Concept]) -> list[Answer]:
        """One answer a concept. Raises FileError for a clip that cannot be read."""


def question(concept: Concept) -> str:
    return QUESTIONS[concept[0]].format(concept[1]) + FORM


class ZeroShot:
    """An embedder as a judge: yes is the cosine with the concept's sentence, no that of the others of its kind.

    The number for no is the `QUANTILE` of the cosines with all other concepts of the word list, so that a judge that
    hears nothing says yes to one in four. It is no language model: its CCS can only be compared with its own.
    """

    QUANTILE = 0.75
    SENTENCES = {"genre": "This is {} music.", "instrument": "Music with {}.", "mood": "Music with a {} mood."}
    cheap = True

    def __init__(self, vectors: Vectors):
        self.vectors = vectors
        self.name = (
            f"zero-shot {vectors.embedder.name}: cosine with the concept's sentence above the"
            f" {100 * self.QUANTILE:.0f}th percentile of the other concepts of its kind"
        )
        self._texts: dict[Concept, np.ndarray] = {}

    def ask(self, clip: Clip, concepts: Sequence[Concept]) -> list[Answer]:
        heard = self.vectors.first(clip)
        answers = []
        for kind, name in concepts:
            self._learn([(kind, other) for other in (name, *others(kind, name))])
            contrast = [float(heard @ self._texts[kind, other]) for other in others(kind, name)]
            answers.append(Answer(float(heard @ self._texts[kind, name]), float(np.quantile(contrast, self.QUANTILE))))
        return answers

    def _learn(self, concepts: list[Concept]) -> None:
        """Embed the sentences that are new."""
        new = [concept for concept in dict.fromkeys(concepts) if concept not in self._texts]
        if new:
            vectors = self.vectors.embedder.text([self.SENTENCES[kind].format(name) for kind, name in new])
            self._texts.update(zip(new, vectors, strict=True))


class AudioLanguageModel:
    """A model in the transformers layout (Qwen2-Audio, Qwen-Omni, Audio Flamingo, ...): its logits of Yes and No.

    device: "auto" is CUDA where there is one. Raises ModelError: not such a model, or it cannot tell Yes from No.
    """

    cheap = False
    THINKERS = {  # of these only the part that reads and writes text is needed
        "qwen2_5_omni": "Qwen2_5OmniThinkerForConditionalGeneration",
        "qwen3_omni_moe": "Qwen3OmniMoeThinkerForConditionalGeneration",
    }

    def __init__(self, folder: Path, device: str = "auto"):
        import torch
        import transformers

        from musicgen_app.machine.device import pick_device

        self._torch = torch
        self.device = pick_device(device)
        try:
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            name = self.THINKERS.get(config.model_type) or (config.architectures or ["?"])[0]
            if not hasattr(transformers, name):
                raise ModelError(f"{folder}: transformers {transformers.__version__} has no {name}; update it")
            self.processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
            self.model = getattr(transformers, name).from_pretrained(folder, local_files_only=True, dtype="auto")
            self.sample_rate = self.processor.feature_extractor.sampling_rate
            self._yes, self._no = (self._first_token(word) for word in ("Yes", "No"))
        except (AttributeError, ImportError, KeyError, OSError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} is no audio language model that transformers can load ({error})") from error
        if self._yes == self._no:
            raise ModelError(f"{folder}: its tokenizer does not tell Yes from No")
        self.model.to(self.device).eval()
        self.name = f"{folder.name} ({name}, {_digest(folder)}): logits of Yes and No"

    def _first_token(self, word: str) -> int:
        return self.processor.tokenizer.encode(word, add_special_tokens=False)[0]

    def ask(self, clip: Clip, concepts: Sequence[Concept]) -> list[Answer]:
        wave = clip.wave(self.sample_rate)
        return [self._ask(wave, question(concept)) for concept in concepts]

    def _ask(self, wave: np.ndarray, text: str) -> Answer:
        content = [{"type": "audio", "audio": wave}, {"type": "text", "text": text}]
        inputs = self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"sampling_rate": self.sample_rate},
        ).to(self.device)
        for name, value in inputs.items():
            if self._torch.is_tensor(value) and value.is_floating_point():
                inputs[name] = value.to(self.model.dtype)
        with self._torch.inference_mode():
            logits = self.model(**inputs).logits[0, -1].float()
        return Answer(float(logits[self._yes]), float(logits[self._no]))


class Endpoint:
    """A model behind an OpenAI-compatible server: `url`/chat/completions with `input_audio`; logprobs if given.

    The key, if one is needed, is read from the environment variable `KEY`. A question that is refused, or answered by
    neither yes nor no, has no answer and counts as not heard; a server that cannot be reached stops the work.
    """

    KEY = "OPENAI_API_KEY"
    TRIES, TIMEOUT = 4, 120.0  # seconds
    RATE = 16_000  # Hz: what audio language models hear
    cheap = False

    def __init__(self, url: str, model: str):
        if not url.startswith(("http://", "https://")):
            raise RequestError(f"{url!r} is no address of a server: give one such as http://localhost:8000/v1")
        if not model:
            raise RequestError("name the model of the endpoint with --judge-model")
        self.url, self.model = url.rstrip("/") + "/chat/completions", model
        self.name = f"{model} at {url}: log-probabilities of Yes and No, or the word alone where it gives none"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, clip: Clip, concepts: Sequence[Concept]) -> list[Answer]:
        sound = base64.b64encode(_wav(clip.wave(self.RATE), self.RATE)).decode()
        return [self._ask(sound, question(concept)) for concept in concepts]

    def _ask(self, sound: str, text: str) -> Answer:
        audio = {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": [audio, {"type": "text", "text": text}]}],
            "temperature": 0,
            "max_tokens": 4,
            "logprobs": True,
            "top_logprobs": 20,
        }
        try:
            return _answer(self._post(body))
        except _Refused as error:
            return Answer(math.nan, math.nan, str(error))

    def _post(self, body: dict) -> dict:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(self.KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        for attempt in range(self.TRIES):
            try:
                with self._opener.open(request, timeout=self.TIMEOUT) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                error.close()
                status = error.code
                if status in (400, 413, 422):
                    raise _Refused(f"the server refused the question ({status})") from error
                if status != 429 and status < 500:
                    raise RequestError(f"{self.url} answers {status} {error.reason}: check address and key") from error
                reason = f"{status} {error.reason}"
            except (OSError, ValueError) as error:  # ValueError: the reply is no JSON
                reason = str(getattr(error, "reason", error))
            if attempt + 1 < self.TRIES:
                time.sleep(2.0**attempt)
        raise DependencyError(f"{self.url} gives no answer ({reason}): is the server running?")


class _Refused(Exception):
    """This question has no answer; others may have."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would send the key to an address nobody named."""

    def redirect_request(self, *arguments):
        return None


def _answer(reply: dict) -> Answer:
    """The two numbers of a chat completion: of the best token for each, at the first place that has one."""
    try:
        choice = reply["choices"][0]
        places = (choice.get("logprobs") or {}).get("content") or []
        for place in places:
            best = {"yes": -math.inf, "no": -math.inf}
            for token in place.get("top_logprobs") or [place]:
                word = token["token"].strip(" .,!*\"'\n").lower()
                if word in best:
                    best[word] = max(best[word], float(token["logprob"]))
            if max(best.values()) > -math.inf:
                return Answer(best["yes"], best["no"])
        words = (choice["message"]["content"] or "").strip(" .,!*\"'\n").lower()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise _Refused("the reply is no chat completion") from error
    if words.startswith(("yes", "no")):
        return Answer(float(words.startswith("yes")), float(words.startswith("no")), "no log-probabilities")
    raise _Refused(f"neither yes nor no: {words[:40]!r}")


def _wav(wave: np.ndarray, rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, wave, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _digest(folder: Path) -> str:
    """Names a folder of weights by its configuration and the sizes of its files."""
    import hashlib

    sizes = sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
    try:
        text = (folder / "config.json").read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {folder}/config.json: {error.strerror}") from error
    return hashlib.sha256(text + json.dumps(sizes).encode()).hexdigest()[:8]
