"""Baselines for codecs: audio at a sample rate -> the same audio through a method that everybody knows.

Griffin-Lim from 80 mel bands shows what a spectrogram gives without a learned decoder. Opus shows what a codec of today
makes of few bits.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile
import torch

from musicgen_app.analysis.spectra import mel_filters
from musicgen_app.audio import resample
from musicgen_app.codecs.sketch.phases import frame, reconstruct
from musicgen_app.errors import DependencyError

MELS, N_FFT, HOP = 80, 2048, 512
ITERATIONS = 32
UPDATES = 30  # of the magnitudes that mel bands stand for
OPUS_RATE = 48_000
OPUS_BITS = (6.0, 256.0)  # kbit/s of a mono channel at libsndfile's compression levels 1 and 0


@torch.inference_mode()
def griffin_lim(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mono audio (N,) from its own 80 mel bands: magnitudes that fit them, and phases by fast Griffin-Lim."""
    padded = torch.nn.functional.pad(torch.from_numpy(wave)[None], (0, -len(wave) % HOP))
    filters = mel_filters(sample_rate, N_FFT, MELS)
    bands = frame(padded, N_FFT, HOP).abs() @ filters
    magnitude = bands @ filters.T  # non-negative; multiplicative updates keep it so (Lee & Seung, Nature 401, 1999)
    for _ in range(UPDATES):
        magnitude *= (bands @ filters.T) / ((magnitude @ filters) @ filters.T).clamp_min(1e-8)
    return reconstruct(magnitude, N_FFT, HOP, ITERATIONS)[0, : len(wave)].numpy()


def opus(wave: np.ndarray, sample_rate: int, bits: float) -> tuple[np.ndarray, float]:
    """Mono audio (N,) through Opus at about `bits` kbit/s, and the bit rate of the file in kbit/s.

    DependencyError where libsndfile cannot write Opus.
    """
    level = 1 - (bits - OPUS_BITS[0]) / (OPUS_BITS[1] - OPUS_BITS[0])
    data = io.BytesIO()
    try:
        high = resample(wave[None], sample_rate, OPUS_RATE)[0]
        soundfile.write(data, high, OPUS_RATE, format="OGG", subtype="OPUS", compression_level=level)
        data.seek(0)
        decoded, rate = soundfile.read(data, dtype="float32")
    except (TypeError, ValueError, soundfile.LibsndfileError) as error:
        raise DependencyError(f"this libsndfile writes no Opus ({error}): update the package soundfile") from error
    back = resample(decoded[None], rate, sample_rate)[0]
    return np.pad(back, (0, max(0, len(wave) - len(back))))[: len(wave)], 8e-3 * data.tell() * sample_rate / len(wave)
