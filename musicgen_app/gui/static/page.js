/* What the page adds to Gradio: small helpers, the queue, the ideas, keys, light and dark.
   What a user typed is only ever set as text, never as HTML. */
"use strict";
globalThis.ttm = {};

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = {
    play: "M7 4.5v15l12-7.5z",
    pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
    star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.600 9.700l5.800-.800z",
    close: "M6 6l12 12M18 6L6 18",
    lock: "M7 10V8a5 5 0 0 1 10 0v2h1.500v10h-13V10zm2.200 0h5.600V8a2.800 2.800 0 0 0-5.600 0z",
    moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  };

  /* h("p", {class: "x", onclick: f}, "text", node): an element. Strings become text nodes. */
  function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", `icon icon-${name}`);
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds + 1e-6));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const duration = (seconds) =>
    seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;

  /* Make the children of `parent` be `nodes`, moving as little as possible so that focus and playback survive. */
  function arrange(parent, nodes) {
    nodes.forEach((node, i) => {
      if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
    });
    while (parent.children.length > nodes.length) parent.lastElementChild.remove();
  }

  /* --- the queue: value {rows: [{id, prompt, state, stage, text, share}], open, stamp}; events: "click" {id} cancels,
     "tick" asks for the next value, a beat after each that is open */

  const BEAT = 250; // milliseconds

  function queue(element, props, trigger, watch) {
    const rows = new Map();
    let seen = 0, newest = -1, next;
    const list = h("ul", { class: "queue", "aria-label": "Your requests" });
    const spoken = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
    element.replaceChildren(list, spoken);

    function row(ticket) {
      const bar = h("span");
      const parts = {
        prompt: h("span", { class: "queue-prompt" }),
        text: h("span", { class: "queue-text" }),
        bar,
        track: h("div", { class: "queue-track", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, bar),
        stop: h("button", { type: "button", class: "button", onclick: () => trigger("click", { id: ticket.id }) }, "Cancel"),
      };
      parts.item = h("li", { "data-id": ticket.id }, h("div", { class: "queue-line" }, parts.prompt, parts.text, parts.stop), parts.track);
      return parts;
    }

    function render() {
      const { rows: tickets = [], open = false, stamp = 0 } = props.value ?? {};
      if (stamp < newest) return; // it was looked at before what is shown
      newest = stamp;
      clearTimeout(next);
      if (open) next = setTimeout(() => trigger("tick"), BEAT);
      for (const ticket of tickets) {
        if (!rows.has(ticket.id)) rows.set(ticket.id, row(ticket));
        const parts = rows.get(ticket.id);
        parts.prompt.textContent = ticket.prompt;
        parts.text.textContent = ticket.text;
        parts.item.dataset.state = ticket.state;
        parts.bar.style.width = `${100 * ticket.share}%`;
        parts.track.setAttribute("aria-valuenow", Math.round(100 * ticket.share));
        parts.track.setAttribute("aria-label", ticket.text);
        parts.stop.setAttribute("aria-label", `Cancel ${ticket.prompt}`);
        const over = ticket.state !== "waiting" && ticket.state !== "running";
        parts.stop.hidden = parts.track.hidden = over;
        if (parts.said !== ticket.stage) spoken.textContent = `${ticket.prompt}: ${ticket.text}`;
        parts.said = ticket.stage;
      }
      const ids = new Set(tickets.map((ticket) => ticket.id));
      for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
      arrange(list, tickets.map((ticket) => rows.get(ticket.id).item));
      list.hidden = tickets.length === 0;
      if (tickets.length > seen && list.getBoundingClientRect().top > innerHeight - 80) list.scrollIntoView({ block: "center" });
      seen = tickets.length;
    }
    watch("value", render);
    render();
  }

  /* --- ideas: value [{name, prompts}] */

  function ideas(element, props, trigger) {
    const prompts = h("div", { class: "idea-prompts" });
    const genres = h("div", { class: "idea-genres", role: "group", "aria-label": "Genre of the examples" });
    function show(genre, button) {
      for (const other of genres.children) other.setAttribute("aria-pressed", String(other === button));
      prompts.replaceChildren(
        ...genre.prompts.map((prompt) =>
          h("button", { type: "button", class: "idea", onclick: () => trigger("click", { prompt }) }, prompt)));
    }
    for (const genre of props.value ?? []) {
      const button = h("button", { type: "button", class: "chip", "aria-pressed": "false" }, genre.name);
      button.addEventListener("click", () => show(genre, button));
      genres.append(button);
    }
    element.replaceChildren(
      h("details", { open: matchMedia("(min-width: 1000px)").matches }, h("summary", { class: "small" }, "Ideas to start from"), genres, prompts));
    if (genres.firstChild) show(props.value[0], genres.firstChild);
  }

  /* --- light and dark: as the system has it, until the button says otherwise */

  const SCHEME = "ttm-app scheme";
  const remembered = () => { try { return localStorage.getItem(SCHEME); } catch { return null; } };
  function paint() {
    const chosen = new URLSearchParams(location.search).get("__theme") ?? remembered();
    const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.body?.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  addEventListener("DOMContentLoaded", paint);

  function masthead(element) {
    const toggle = h("button", { type: "button", class: "button round", title: "Light or dark", "aria-label": "Light or dark" }, icon("moon"));
    toggle.addEventListener("click", () => {
      try { localStorage.setItem(SCHEME, document.body.classList.contains("dark") ? "light" : "dark"); } catch { /* private window */ }
      paint();
    });
    element.replaceChildren(
      h("div", { class: "masthead" }, h("h1", {}, "ttm-app"), h("p", {}, "Type what you want to hear."), toggle));
    paint();
  }

  /* --- keys: Ctrl+Enter anywhere in the form makes music */

  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest?.("#compose, #plan")) {
      event.preventDefault();
      event.stopPropagation();
      const field = event.target;
      field.blur(); // a number field hands its value over when it loses focus
      setTimeout(() => { document.querySelector("#generate")?.click(); field.focus({ preventScroll: true }); }, 60);
    }
  }, true);

  Object.assign(ttm, { h, icon, clock, duration, arrange, queue, ideas, masthead });
})();
