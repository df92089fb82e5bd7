"""Language models that answer a request: a folder on this machine (transformers), or a server (OpenAI's protocol).

`Chat.reply` takes a request and gives the reply's text. No server is contacted unless `Endpoint` is built and used.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Protocol

from musicgen_app.errors import DependencyError, FileError, ModelError, RequestError

from .llm_prompt import Refused

TOKENS = 90  # of one rewritten caption, at most
LARGEST = 4 << 20  # bytes of a server's answer that are read
BUSY = (408, 409, 425, 429, 500, 502, 503, 504)
TOO_MUCH = (400, 413, 422)  # a server's words for a request that is too long, among others


class Chat(Protocol):
    """What answers. `identity` is what its answers depend on; `parallel` requests may be under way at once."""

    identity: dict
    parallel: int

    def reply(self, request: str, captions: int) -> str:
        """The text of the answer; `captions` bounds its length. Raises Refused where it has none."""
        ...


class LocalChat:
    """A causal language model in a folder, greedy: the same request, the same reply."""

    parallel = 1

    def __init__(self, folder: Path, device: str | None = None):
        """Load model and tokenizer (safetensors only, no code of the folder is run). Raises ModelError."""
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder} is no model folder (it has no config.json): give one with a causal language model"
            )
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto", **local)
        except ImportError as error:
            raise DependencyError(f"the model in {folder} needs a package that is missing: {error}") from error
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"cannot load a causal language model from {folder}: {_line(error)}") from error
        self.model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
        weights = sorted((file.name, file.stat().st_size) for file in folder.glob("*.safetensors"))
        self.identity = {"model": folder.name, "weights": [f"{name}: {size} bytes" for name, size in weights]}

    def reply(self, request: str, captions: int) -> str:
        import torch

        tokens = self._tokens(request).to(self.model.device)
        room = getattr(self.model.config, "max_position_embeddings", None) or 1 << 30
        length = min(64 + TOKENS * captions, room - tokens.shape[1])
        if length < 16:
            raise Refused(f"the request has {tokens.shape[1]} tokens, too many for a model of {room}")
        with torch.inference_mode():
            out = self.model.generate(
                tokens,
                attention_mask=torch.ones_like(tokens),
                max_new_tokens=length,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
            )
        return self.tokenizer.decode(out[0, tokens.shape[1] :], skip_special_tokens=True)

    def _tokens(self, request: str):
        """(1, N) token numbers: through the chat template where there is one, else the request as it is."""
        if not self.tokenizer.chat_template:
            return self.tokenizer(f"{request}\n", return_tensors="pt").input_ids
        message = [{"role": "user", "content": request}]
        chat = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        return self.tokenizer.apply_chat_template(message, enable_thinking=False, **chat)["input_ids"]


class Endpoint:
    """A server that speaks OpenAI's chat completions: a hosted one, or vLLM, SGLang, llama.cpp, Ollama of your own."""

    def __init__(
        self,
        url: str,
        model: str,
        key_env: str | None = None,
        *,
        parallel: int = 4,
        timeout: float = 120.0,
        tries: int = 6,
        wait: float = 1.0,
    ):
        """url: up to "/v1", or the whole address. key_env: the environment variable that holds the API key.

        A busy server (429, 5xx) or a broken connection is tried again `tries` times, after `wait` seconds, then twice
        as many each time, or what the server asks for. Raises RequestError.
        """
        self.url = _address(url)
        self.key = _key(key_env)
        self.parallel, self.timeout, self.tries, self.wait = parallel, timeout, tries, wait
        self.identity = {"model": model}
        self.options: dict = {"temperature": 0}
        self.limit: str | None = "max_tokens"
        self.worked = False
        self.opener = urllib.request.build_opener(_NoRedirect)

    def reply(self, request: str, captions: int) -> str:
        """Raises Refused (the request is too long, the answer has no text) and ModelError (the server fails)."""
        wait = self.wait
        for attempt in range(1, self.tries + 1):
            try:
                text = _content(self._post(request, captions))
                self.worked = True
                return text
            except urllib.error.HTTPError as error:
                said = self._said(error)
                if error.code == 400 and self._adapted(said):
                    continue
                if error.code in TOO_MUCH and self.worked:
                    raise Refused(f"the server refused the request ({error.code}: {said})") from error
                if error.code not in BUSY:
                    raise ModelError(f"{self.url} answers {error.code}: {said or error.reason}") from None
                reason, asked = f"{error.code} {said or error.reason}", error.headers.get("Retry-After")
            except (OSError, http.client.HTTPException) as error:  # OSError: also URLError, a timeout, a reset
                reason, asked = self._hidden(_line(getattr(error, "reason", error))) or type(error).__name__, None
            if attempt < self.tries:
                time.sleep(_seconds(asked, wait) * random.uniform(1.0, 1.25))
                wait = min(2 * wait, 60.0)
        raise ModelError(
            f"{self.url} did not answer in {self.tries} tries (last: {reason}); run the same command again to go on"
        )

    def _post(self, request: str, captions: int) -> bytes:
        body = self.identity | {"messages": [{"role": "user", "content": request}]} | self.options
        if self.limit:
            body[self.limit] = 64 + TOKENS * captions
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        sent = urllib.request.Request(self.url, json.dumps(body).encode(), headers, method="POST")
        with self.opener.open(sent, timeout=self.timeout) as answer:
            return answer.read(LARGEST)

    def _adapted(self, said: str) -> bool:
        """Whether the server named an option it does not take, which is then left out (or has a newer name)."""
        if self.limit == "max_tokens" and "max_completion_tokens" in said:
            self.limit = "max_completion_tokens"
            return True
        return (
            self.options.pop(next((o for o in self.options if f"'{o}'" in said or f'"{o}"' in said), ""), None)
            is not None
        )

    def _said(self, error: urllib.error.HTTPError) -> str:
        """The server's message, on one short line, without the key."""
        try:
            text = error.read(4096).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        try:
            body = json.loads(text)
            text = body["error"]["message"] if isinstance(body["error"], dict) else str(body["error"])
        except (ValueError, KeyError, TypeError):
            pass
        return self._hidden(_line(text))

    def _hidden(self, text: str) -> str:
        return text.replace(self.key, "[key]") if self.key else text


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: following it would hand the key to another server."""

    def redirect_request(self, *args) -> None:
        return None


def _address(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise RequestError(f"the URL is not one ({error}): give http(s)://host/v1") from error
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise RequestError("the URL must begin with http:// or https:// and name a host: give http(s)://host/v1")
    if parts.username or parts.password:
        raise RequestError(
            "the URL has a name or password in it: put the key into an environment variable, --key-env NAME"
        )
    path = parts.path.rstrip("/")
    path += "" if path.endswith("/chat/completions") else "/chat/completions"
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _key(name: str | None) -> str:
    if name is None:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise RequestError(f"the environment variable {name} is empty: put the API key there, or leave out --key-env")
    if not re.fullmatch(r"[!-~]+", key):
        raise RequestError(f"the environment variable {name} has characters that no API key has: set it again")
    return key


def _content(answer: bytes) -> str:
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise Refused("the server's answer is no chat completion") from error
    if not isinstance(text, str):
        raise Refused("the server's answer has no text")
    return text


def _seconds(asked: str | None, wait: float) -> float:
    """What Retry-After asks for, up to ten minutes; else `wait`."""
    try:
        return min(max(float(asked or ""), 0.0), 600.0)
    except ValueError:
        return wait


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]


def load_chat(by: str, model: str | None, url: str | None, key_env: str | None, parallel: int, timeout: float) -> Chat:
    """The chat of `ttm-app captions rewrite`. Raises RequestError for what is missing, and what its class raises."""
    if by == "transformers":
        if not model:
            raise RequestError("--by transformers needs --model FOLDER: a folder with a causal language model")
        if not Path(model).is_dir():
            raise FileError(f"there is no folder {model}: give the folder of a causal language model")
        return LocalChat(Path(model))
    if not url or not model:
        raise RequestError("--by endpoint needs --url URL and --model NAME, the model's name on that server")
    return Endpoint(url, model, key_env, parallel=parallel, timeout=timeout)
