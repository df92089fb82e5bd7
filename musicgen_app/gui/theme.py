"""How the page looks: a quiet theme from system fonts, warm greys and one green, light and dark.

static/page.css has what Gradio cannot be told, in terms of the colours set here.
"""

from __future__ import annotations

SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

PAPER, CARD, LINE, INK, FAINT = "#f7f5f1", "#fffdfa", "#dedad2", "#1c1b19", "#66615a"
NIGHT, SLATE, EDGE, CHALK, DIM = "#131515", "#1b1e1e", "#323736", "#eceae5", "#a3a49e"
GREEN, DEEP, MINT, BRIGHT = "#0f766e", "#0b5a54", "#5ccabb", "#7fdccf"
RED, ROSE = "#b42318", "#ff9b8f"


def theme():
    """The Gradio theme. No font is fetched from anywhere."""
    import gradio as gr

    base = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=SANS,
        font_mono=MONO,
    )
    return base.set(
        body_background_fill=PAPER, body_background_fill_dark=NIGHT,
        body_text_color=INK, body_text_color_dark=CHALK,
        body_text_color_subdued=FAINT, body_text_color_subdued_dark=DIM,
        background_fill_primary=CARD, background_fill_primary_dark=SLATE,
        background_fill_secondary=PAPER, background_fill_secondary_dark=NIGHT,
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_padding="0px", block_label_padding="0px",
        form_gap_width="0px", layout_gap="0.9rem",
        block_title_text_size="0.875rem", block_title_text_weight="600",
        input_border_width="1px", input_padding="0.55rem 0.7rem", input_radius="0.5rem",
        block_border_color=LINE, block_border_color_dark=EDGE,
        border_color_primary=LINE, border_color_primary_dark=EDGE,
        border_color_accent=GREEN, border_color_accent_dark=MINT,
        block_label_text_color=FAINT, block_label_text_color_dark=DIM,
        block_title_text_color=INK, block_title_text_color_dark=CHALK,
        block_info_text_color=FAINT, block_info_text_color_dark=DIM,
        block_shadow="none",
        color_accent=GREEN,
        input_background_fill=CARD, input_background_fill_dark=SLATE,
        input_border_color="#b9b3a8", input_border_color_dark="#4b514f",
        input_border_color_focus=GREEN, input_border_color_focus_dark=MINT,
        input_placeholder_color="#8a857c", input_placeholder_color_dark="#7d7f7a",
        button_primary_background_fill=GREEN, button_primary_background_fill_dark=MINT,
        button_primary_background_fill_hover=DEEP, button_primary_background_fill_hover_dark=BRIGHT,
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#06201d",
        button_secondary_background_fill=CARD, button_secondary_background_fill_dark=SLATE,
        button_border_width="1px", button_large_radius="0.6rem", button_small_radius="0.5rem",
        button_secondary_border_color=LINE, button_secondary_border_color_dark=EDGE,
        link_text_color=GREEN, link_text_color_dark=MINT,
        checkbox_background_color_selected=GREEN, checkbox_background_color_selected_dark=GREEN,
        checkbox_border_color="#8a857c", checkbox_border_color_dark="#7d7f7a",
        error_text_color=RED, error_text_color_dark=ROSE,
    )  # fmt: skip
