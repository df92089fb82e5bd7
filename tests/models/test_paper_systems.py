"""The paper systems: each is a whole, consistent description of a model."""

from __future__ import annotations

import json

import pytest

from musicgen_app.backbones.presets import PRESETS, build_backbone
from musicgen_app.codecs.mmaudio.codec import LATENT_DIM
from musicgen_app.errors import ModelError
from musicgen_app.models.bundle import frozen_parts, open_bundle
from musicgen_app.models.hub import source
from musicgen_app.models.paper_systems import CODECS, SYSTEMS, codec_for
from musicgen_app.request import GenerationRequest

TEXT_WIDTH = {"flan-t5-base": 768, "flan-t5-large": 1024}


@pytest.fixture(params=SYSTEMS)
def name(request) -> str:
    return request.param


@pytest.fixture
def backbone(name):
    import torch

    with torch.device("meta"):
        return build_backbone(name)


def test_every_system_is_a_preset(name):
    assert name in PRESETS


def test_a_bundle_can_be_made_of_it(name, tmp_path):
    system = SYSTEMS[name]
    config = {
        "schema": 1,
        "name": name,
        "title": system.title,
        "version": "1",
        "licence": "unknown",
        "backbone": {"preset": name},
        "text": system.text,
        "codec": system.codec,
        "latent": {"mean": [0.0] * 64, "std": [1.0] * 64},
        "sampler": system.sampler,
        "seconds": system.seconds,
        "training": {},
        "data": [],
        "files": {"model.safetensors": "0" * 64, "codec/model.safetensors": "0" * 64},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    bundle = open_bundle(tmp_path)
    assert bundle.native_seconds == 10 and bundle.pass_seconds == 300
    assert GenerationRequest("piano", model=name).validated().resolved(bundle.sampler, bundle.max_seconds)
    frozen = [part for part in frozen_parts(config) if "repo" in part]
    assert sorted(map(str, frozen)) == sorted(str(source(part)) for part in system.parts)


def test_the_text_is_what_the_backbone_takes(name, backbone):
    system = SYSTEMS[name]
    t5 = next(part for part in system.parts if source(part) == system.text["t5"])
    assert TEXT_WIDTH[t5] == backbone.config.text_dim
    if system.text["kind"] == "t5-clap":
        assert system.text["length"] == backbone.config.text_len and backbone.config.vector_dim == 512


def test_the_codec_is_that_of_the_latents(name, backbone):
    system = SYSTEMS[name]
    if "path" in system.codec:  # MMAudio's, which a model brings itself
        assert backbone.latent_dim == LATENT_DIM
        with pytest.raises(ModelError):
            codec_for(backbone.latent_dim)
    else:
        assert system.codec == codec_for(backbone.latent_dim)


def test_the_papers_numbers():
    mamba, dit = SYSTEMS["mamba-189m"], SYSTEMS["dit-450m"]
    assert (mamba.sampler["steps"], mamba.sampler["guidance"]) == (100, 3.5)
    assert mamba.latent == (0.0527, 0.8134) and mamba.text["length"] == 128
    assert (dit.sampler["steps"], dit.sampler["guidance"]) == (25, 4.5)
    assert dit.latent is None and dit.text["length"] == 77
    assert CODECS == {128: "acestep-v1", 64: "acestep-v15"}


def test_latents_without_a_codec_are_one_line():
    with pytest.raises(ModelError, match="20 dimensions.*--codec-files") as caught:
        codec_for(20)
    assert "\n" not in str(caught.value) and "64 (acestep-v15)" in str(caught.value)
    with pytest.raises(ModelError, match="no codec for latents of 7 dimensions"):
        codec_for(7)
