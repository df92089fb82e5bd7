"""`ttm-app captions`: rewrite captions in the style of prompts, and look at what came of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from musicgen_app.cli.groups import Group
from musicgen_app.cli.terminal import cancellable, one_line, print_json, print_note
from musicgen_app.errors import RequestError

EPILOG = """
\b
Examples:
  ttm-app captions rewrite qwen.json -o rewritten.json --by rules
  ttm-app captions rewrite qwen.json -o rewritten.json --by transformers --model models/Qwen3-4B-Instruct
  ttm-app captions rewrite qwen.json -o rewritten.json --by endpoint --url http://localhost:8000/v1 --model NAME
  ttm-app captions show rewritten.json
  ttm-app prepare --data jamendo --captions qwen=qwen.json --captions rewritten=rewritten.json
"""
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=Group, short_help="Rewrite captions in the style of prompts.", epilog=EPILOG)
def captions() -> None:
    """Rewrite captions in the style of the prompts people write: genre, instruments, mood.

    Dense captions tell tempo, key and chords; prompts do not. A model trained on dense captions first and on rewritten
    ones after that follows prompts better (arXiv 2606.07387). The file that comes out is one more style: give it to
    `ttm-app prepare --captions rewritten=FILE`. A track may have captions of several styles, and several of each; one
    is drawn at random each time the track is trained on. The recipe score-aware trains its last 10,000 steps on the
    style "rewritten" alone, with the 0.4 of the data that its last phase's `fraction` names.
    """


@captions.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The .json file to write.")
@click.option("--by", type=click.Choice(["rules", "transformers", "endpoint"]), default="rules", show_default=True,
              help="No model, a model folder on this machine, or a server.")  # fmt: skip
@click.option("--model", help="transformers: folder of a causal language model; endpoint: the model's name there.")
@click.option("--url", help="endpoint: address of an OpenAI-compatible server, such as http://localhost:8000/v1.")
@click.option("--key-env", metavar="NAME", help="endpoint: environment variable that holds the API key.")
@click.option("--style", "styles", multiple=True, help="Only captions of this style; may be given again.")
@click.option("--batch", type=click.IntRange(1, 100), default=20, show_default=True, help="Captions a request.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True,
              help="endpoint: requests under way at once.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(1, 3600), default=120.0, show_default=True,
              help="endpoint: seconds to wait for the server.")  # fmt: skip
@click.option("--examples", type=click.Path(path_type=Path), help="Prompts of the target style, one a line.")
@click.option("--fallback", is_flag=True, help="Let the rules write what the model could not.")
@click.option("--retry-refused", is_flag=True, help="Ask again for captions refused by an earlier run.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Wording of the rules, examples shown."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N captions.")
@JSON
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def rewrite(
    source, out, by, model, url, key_env, styles, batch, parallel, timeout, examples, fallback, retry_refused, seed,
    limit, as_json, quiet,
) -> None:  # fmt: skip
    """Rewrite the captions of INPUT: a caption JSON, a dataset folder, or a prepared folder.

    OUT is an array of {"path", "caption"}, written when all captions are done. Until then OUT.journal.jsonl grows
    beside it: after a stop, even by kill -9, run the same command again to go on. Replies that no caption could be
    taken from are kept in OUT.refused.jsonl. Nothing is sent anywhere unless --by endpoint is given.
    """
    from ..rewriting.language_models import load_chat
    from ..rewriting.llm_prompt import load_examples
    from ..rewriting.run import ModelRewriter, RulesRewriter, rewrite_file

    if by == "rules" and (model or url or key_env or examples):
        raise RequestError(
            "--by rules takes no --model, --url, --key-env or --examples: name --by transformers or endpoint"
        )
    if by == "transformers" and (url or key_env):
        raise RequestError("--by transformers takes no --url or --key-env: name --by endpoint")
    with cancellable():
        rewriter: RulesRewriter | ModelRewriter
        if by == "rules":
            rewriter = RulesRewriter(seed)
        else:
            shown = load_examples(examples)
            chat = load_chat(by, model, url, key_env, parallel, timeout)
            rewriter = ModelRewriter(by, chat, batch=batch, examples=shown, seed=seed, fallback=fallback)
        report = rewrite_file(
            source, out, rewriter,
            styles=styles, limit=limit, retry_refused=retry_refused, show=(lambda line: None) if quiet else print_note,
        )  # fmt: skip
    if as_json:
        print_json(asdict(report))
        return
    click.echo(report.out)
    if report.refused or report.by_rules:
        print_note(
            f"{report.refused} of {report.captions} captions refused, {report.by_rules} written by the rules instead:"
            f" see {report.refused_file}"
        )


@captions.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1), default=5, show_default=True, help="Captions, spread over the file.")
@JSON
def show(file: Path, count: int, as_json: bool) -> None:
    """Show a few captions of FILE before and after they were rewritten."""
    from ..rewriting.run import pairs

    found = pairs(file, count)
    if as_json:
        print_json(found)
        return
    for pair in found:
        click.echo(one_line(pair["path"]))
        if pair["before"] is not None:
            click.echo(f"  before  {one_line(pair['before'])}")
        click.echo(f"  after   {one_line(pair['after'])}" + (f"  ({pair['by']})" if pair["by"] else ""))
