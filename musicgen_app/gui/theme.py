"""How the page looks: a quiet theme from system fonts, light and dark, and the little CSS Gradio cannot be told."""

from __future__ import annotations

SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def theme():
    """The Gradio theme. No font is fetched from anywhere."""
    import gradio as gr

    return gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=SANS, font_mono=MONO)
