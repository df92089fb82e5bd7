"""The request to a language model for rewritten captions, and the checks that every reply has to pass.

The request follows arXiv 2606.07387 §II-B: keep genre or style, instruments and mood; leave out what only a musician
would measure; a few captions of the target style as examples; the answer a JSON array in the order of the captions.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from musicgen_app.errors import FileError

from .forbidden_facts import leftovers

SHOTS = 8  # examples in a request
WORDS = (3, 60)  # a rewritten caption has at least and at most so many words
LETTERS = 480

# Written for this project in the style of the challenge's prompts: genre, instruments, mood; one or two sentences.
EXAMPLES = (
    "An upbeat house track with pulsing synths and a driving bass.",
    "A mellow jazz tune with warm piano and soft brushed drums.",
    "Energetic rock with crunchy electric guitars and pounding drums.",
    "Dreamy ambient music with airy synth pads, perfect for a quiet night.",
    "A nostalgic folk song led by acoustic guitar and a gentle harmonica.",
    "Dark techno with a hypnotic drum machine and deep synth bass.",
    "A romantic classical piece for piano and strings.",
    "Relaxed lo-fi hip hop with dusty drums and a mellow electric piano.",
    "An epic orchestral soundtrack with soaring strings and powerful brass, evoking a heroic battle.",
    "A sunny reggae groove with organ, electric guitar and a round bass.",
    "Playful chiptune with bright square leads and 8-bit drums.",
    "A melancholic string quartet with an expressive violin.",
    "Funky disco with slap bass, wah guitar and a festive feel.",
    "Peaceful new age music with bamboo flute and soft pads for meditation.",
    "A mysterious electronic soundscape with glassy bells and low drones. It feels like drifting through space.",
    "A passionate flamenco piece with fast classical guitar and handclaps.",
    "Aggressive metal with heavy distorted guitars and relentless drums.",
    "A cheerful country tune with banjo, fiddle and acoustic guitar, made for a summer road trip.",
    "A smooth bossa nova with nylon guitar and light percussion. The mood is tender and easygoing.",
    "Tense cinematic music with staccato strings and rumbling percussion.",
)

RULES = """\
You edit descriptions of music. Rewrite each description below so that it tells only:
1. the genre or style,
2. the instruments, as specific as the description is,
3. the mood, theme or atmosphere.

Leave out tempo and BPM, keys and scales, time signatures, chords, how the piece is structured or develops, and how it
was recorded, mixed or produced. Add nothing that the description does not say.

Write one or two natural, flowing sentences for each. No lists. Begin them in different ways.
Write in the style of these examples:
{examples}

Descriptions:
{captions}

Answer with a JSON array of exactly {count} strings, the rewritten descriptions in the same order, and nothing else."""


class Refused(ValueError):
    """A reply, or one caption of it, that cannot be used; the message says why."""


def load_examples(path: Path | None) -> tuple[str, ...]:
    """Examples of the target style: the lines of a text file, or the strings of a JSON array; None: our own.

    Raises FileError for a file that cannot be read or has no example.
    """
    if path is None:
        return EXAMPLES
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"cannot read the examples {path} ({error}): give a UTF-8 text file, one prompt a line"
        ) from error
    try:
        lines = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except ValueError as error:
        raise FileError(f"{path} begins like a JSON array but is none ({error}): give one prompt a line") from error
    examples = tuple(" ".join(line.split()) for line in lines if isinstance(line, str) and line.strip())
    if not examples:
        raise FileError(f"{path} has no examples: give one prompt a line")
    return examples


def build_request(captions: Sequence[str], examples: Sequence[str], rng: random.Random) -> str:
    """The request for some captions, with a draw of the examples."""
    shots = rng.sample(list(examples), min(SHOTS, len(examples)))
    return RULES.format(
        examples="\n".join(f"- {shot}" for shot in shots),
        captions=json.dumps([" ".join(caption.split()) for caption in captions], ensure_ascii=False, indent=1),
        count=len(captions),
    )


def parse(reply: str, count: int) -> list[str]:
    """The strings of a reply: a JSON array of exactly `count` non-empty strings, in the order asked for.

    Thinking before it, a markdown fence and a sentence around it are taken off; anything else is Refused.
    """
    text = re.sub(r"^.*</think>", "", reply, flags=re.S).strip()
    text = re.sub(r"^```\w*\s*|\s*```$", "", text)
    start = text.find("[")
    if start < 0:
        raise Refused("there is no JSON array in the reply")
    try:
        values, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the reply is not a whole JSON array ({getattr(error, 'msg', 'nested too deeply')})") from error
    if "[" in text[end:]:
        raise Refused("the reply has more than one array")
    if len(values) != count:
        raise Refused(f"the reply has {len(values)} captions, not {count}")
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise Refused("the reply has something else than captions in its array")
    return [" ".join(value.split()) for value in values]


def check(text: str) -> str:
    """A rewritten caption that may be kept, as it is. Raises Refused with the reason."""
    words = len(text.split())
    if not WORDS[0] <= words <= WORDS[1] or len(text) > LETTERS:
        raise Refused(f"it has {words} words; {WORDS[0]} to {WORDS[1]} are allowed")
    if re.match(r"[-*•#>]|\d+[.)]\s", text) or re.search(r"\*\*|`|__|https?://", text):
        raise Refused("it has markdown, a list or a link")
    if len(re.findall(r"[.!?](?=\s+[A-Z])", text)) > 1:
        raise Refused("it has more than two sentences")
    if not text.isprintable():
        raise Refused("it has control characters")
    if left := leftovers(text):
        raise Refused(f"it still says {'; '.join(left)}")
    return text
