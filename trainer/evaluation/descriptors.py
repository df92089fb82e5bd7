"""What a clip sounds like in a few numbers: spectrum, harmony, rhythm, tempo, drums.

All take mono audio (N,) float32.
"""

from __future__ import annotations

import numpy as np
import torch

from ..spectra import log_mel


def descriptor(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a clip sounds like, independent of its place in time: (D,) float32.

    Mean and spread of 64 log-mel bands, their spread of change, the pitch-class profile, and the autocorrelation of
    the onset strength at lags of 0.2 to 2 s.
    """
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 2048, 64, hop=512)[0].numpy()  # (T, 64)
    change = np.diff(mel, axis=0)
    rate = sample_rate / 512
    correlation = autocorrelation(np.maximum(change, 0).mean(axis=1))
    lags = np.linspace(0.2 * rate, 2.0 * rate, 48).round().astype(int)
    bass = autocorrelation(np.maximum(change[:, :6], 0).mean(axis=1))
    treble = autocorrelation(np.maximum(change[:, 44:], 0).mean(axis=1))
    parts = [mel.mean(0), mel.std(0), change.std(0), chroma(audio, sample_rate)]
    parts += [c[lags.clip(max=len(c) - 1)] for c in (correlation, bass, treble)]
    return np.concatenate(parts).astype(np.float32)


def autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Autocorrelation of a zero-mean signal (T,) at every lag, 1 at lag 0."""
    centred = signal - signal.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    return correlation / max(correlation[0], 1e-9)


def chroma(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Share of the energy between 55 and 2,000 Hz in each of the twelve pitch classes (12,), C first."""
    window = np.hanning(8192)
    audio = np.pad(audio, (0, max(0, 8192 - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(audio, 8192)[::4096] * window
    energy = (np.abs(np.fft.rfft(frames)) ** 2).sum(axis=0)
    frequencies = np.fft.rfftfreq(8192, 1 / sample_rate)
    inside = (frequencies > 55) & (frequencies < 2000)
    classes = np.round(12 * np.log2(frequencies[inside] / 440) + 69).astype(int) % 12
    profile = np.bincount(classes, np.sqrt(energy[inside]), minlength=12)
    return profile / max(profile.sum(), 1e-9)


def tempo(audio: np.ndarray, sample_rate: int) -> float:
    """Tempo in beats a minute from the onset autocorrelation, favouring 60-180; octave errors are possible."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    correlation = autocorrelation(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1))
    rate = sample_rate / 256
    beats = np.arange(50, 201, 0.5)
    position = np.arange(len(correlation))

    def at(lag: np.ndarray) -> np.ndarray:
        return np.interp(lag, position, correlation)

    lag = 60 * rate / beats
    score = at(lag) + 0.5 * at(2 * lag) + 0.5 * at(4 * lag)
    return float(beats[np.argmax(score * np.exp(-0.5 * (np.log2(beats / 115) / 0.9) ** 2))])


def beatiness(audio: np.ndarray, sample_rate: int) -> float:
    """How strongly sudden broadband onsets stand out: the 95th percentile of the summed rise of a log-mel spectrum."""
    mel = log_mel(torch.from_numpy(audio)[None], sample_rate, 1024, 40, hop=256)[0].numpy()
    return float(np.quantile(np.maximum(np.diff(mel, axis=0), 0).mean(axis=1), 0.95))
