/* Cards of clips: a player with outline and spectrogram, keeping, renaming, tags, and two clips side by side. */
"use strict";

(() => {
  const { h, icon, clock, duration, arrange } = ttm;
  const FORMATS = [".wav", ".flac", ".mp3", ".ogg"];
  const url = (clip, end) => `clips/${encodeURIComponent(clip.id)}${end}`;
  const quoted = (text) => `“${text}”`;

  /* --- playing: one clip at a time */

  let playing = null;

  class Player {
    constructor(clip, changed) {
      this.clip = clip;
      this.changed = changed;
      this.audio = null;
    }
    get at() { return this.audio ? this.audio.currentTime : 0; }
    get on() { return this.audio !== null && !this.audio.paused; }
    open() {
      if (this.audio) return;
      this.audio = new Audio(url(this.clip, this.clip.suffix));
      for (const name of ["play", "pause", "ended", "seeked"]) this.audio.addEventListener(name, () => this.changed());
      this.audio.addEventListener("play", () => this.follow());
    }
    toggle() {
      this.open();
      if (this.on) return this.audio.pause();
      if (playing && playing !== this) playing.audio.pause();
      compare.stop();
      playing = this;
      this.audio.play().catch(() => this.changed("This clip cannot be played: is its file still there?"));
    }
    seek(seconds) {
      this.open();
      this.audio.currentTime = Math.min(Math.max(0, seconds), Math.max(0, this.clip.seconds - 0.01));
      this.changed();
    }
    follow() {
      this.changed();
      if (this.on) requestAnimationFrame(() => this.follow());
    }
  }

  /* A slider over outline and spectrogram. `at` 0..1 is where it stands. */
  function scrubber(clip, seek) {
    const bars = (className) => {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const n = clip.outline.length || 1;
      svg.setAttribute("viewBox", `0 0 ${n} 100`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("class", className);
      svg.setAttribute("aria-hidden", "true");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", clip.outline.map((v, i) => { const y = Math.max(2, v * 0.96); return `M${i + 0.2} ${50 - y / 2}h.6v${y}h-.6z`; }).join(""));
      svg.append(path);
      return svg;
    };
    const picture = h("img", {
      src: url(clip, ".png"), loading: "lazy", decoding: "async", draggable: "false",
      alt: `Spectrogram of ${quoted(clip.title)}, ${clock(clip.seconds)} long, from 40 Hz to ${(clip.top / 1000).toFixed(0)} kHz`,
    });
    const time = h("span", { class: "axis now", "aria-hidden": "true" });
    const element = h("div", {
      class: "scrubber", role: "slider", tabindex: 0, "aria-label": `Position in ${quoted(clip.title)}`,
      "aria-valuemin": 0, "aria-valuemax": clip.seconds.toFixed(1),
    }, h("div", { class: "outline" }, bars("rest"), bars("heard")),
    h("div", { class: "spectrum" }, picture, h("span", { class: "axis top" }, `${(clip.top / 1000).toFixed(0)} kHz`), h("span", { class: "axis" }, "40 Hz"), time),
    h("div", { class: "needle" }));
    let now = 0;
    const point = (event) => {
      const box = element.getBoundingClientRect();
      seek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * clip.seconds);
    };
    element.addEventListener("pointerdown", (event) => { element.setPointerCapture(event.pointerId); point(event); });
    element.addEventListener("pointermove", (event) => { if (element.hasPointerCapture(event.pointerId)) point(event); });
    element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      seek(Math.min(clip.seconds, Math.max(0, now + step)));
    });
    return {
      element,
      show(seconds) {
        now = seconds;
        element.classList.toggle("begun", seconds > 0);
        element.style.setProperty("--at", `${(100 * Math.min(1, seconds / clip.seconds)).toFixed(2)}%`);
        time.textContent = `${clock(seconds)} / ${clock(clip.seconds)}`;
        element.setAttribute("aria-valuenow", seconds.toFixed(1));
        element.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(clip.seconds)}`);
      },
    };
  }

  /* --- two clips, heard in turn from the same position */

  const compare = {
    pair: [], audio: [], side: 0, bar: null,
    has(id) { return this.pair.some((clip) => clip.id === id); },
    toggle(clip) {
      this.stop();
      this.pair = this.has(clip.id) ? this.pair.filter((other) => other.id !== clip.id) : [...this.pair, clip].slice(-2);
      this.side = 0;
      this.audio = this.pair.map((one) => new Audio(url(one, one.suffix)));
      this.draw();
      document.dispatchEvent(new CustomEvent("ttm-compare"));
    },
    clear() { this.stop(); this.pair = []; this.audio = []; this.draw(); document.dispatchEvent(new CustomEvent("ttm-compare")); },
    get on() { return this.audio.some((audio) => !audio.paused); },
    get at() { return this.audio[this.side]?.currentTime ?? 0; },
    stop() { for (const audio of this.audio) audio.pause(); if (this.bar) this.update(); },
    play() {
      if (this.on) return this.stop();
      playing?.audio.pause();
      const at = this.at >= this.pair[this.side].seconds - 0.05 ? 0 : this.at;
      this.audio.forEach((audio, i) => { audio.currentTime = at; audio.muted = i !== this.side; audio.play().catch(() => {}); });
      this.follow();
    },
    turn(side) {
      const at = this.at, on = this.on;
      this.side = side;
      const audio = this.audio[side];
      if (Math.abs(audio.currentTime - at) > 0.02) audio.currentTime = at;
      this.audio.forEach((one, i) => { one.muted = i !== side; });
      if (on && audio.paused && at < this.pair[side].seconds) audio.play().catch(() => {});
      this.update();
    },
    seek(at) { for (const audio of this.audio) audio.currentTime = at; this.update(); },
    follow() { this.update(); if (this.on) requestAnimationFrame(() => this.follow()); },
    update() {
      if (!this.parts) return;
      const { play, sides, position, time } = this.parts;
      play.replaceChildren(icon(this.on ? "pause" : "play"));
      play.setAttribute("aria-label", this.on ? "Pause" : "Play both, hear one");
      sides.forEach((button, i) => button.setAttribute("aria-pressed", String(i === this.side)));
      if (document.activeElement !== position || this.on) position.value = this.at;
      time.textContent = clock(this.at);
    },
    draw() {
      this.bar?.remove();
      this.bar = this.parts = null;
      if (this.pair.length === 0) return;
      const close = h("button", { type: "button", class: "button round", "aria-label": "Stop comparing", onclick: () => this.clear() }, icon("close"));
      if (this.pair.length === 1) {
        this.bar = h("section", { class: "compare", "aria-label": "Compare" }, h("p", {}, `A is ${quoted(this.pair[0].title)}, seed ${this.pair[0].seed}. Choose a second clip to compare it with.`), close);
      } else {
        const sides = this.pair.map((clip, i) => h("button", { type: "button", class: "side", "aria-pressed": "false", onclick: () => this.turn(i) }, h("b", {}, "AB"[i]), h("span", {}, clip.title), h("small", {}, `seed ${clip.seed}`)));
        const play = h("button", { type: "button", class: "button round play", onclick: () => this.play() });
        const position = h("input", { type: "range", min: 0, max: Math.max(...this.pair.map((c) => c.seconds)), step: 0.05, value: 0, "aria-label": "Position in both clips", oninput: (e) => this.seek(Number(e.target.value)) });
        const time = h("span", { class: "time" });
        this.parts = { play, sides, position, time };
        this.bar = h("section", { class: "compare", "aria-label": "Compare two clips" }, play, h("div", { class: "sides" }, ...sides), h("div", { class: "along" }, position, time), h("span", { class: "hint" }, "X switches"), close);
        this.update();
      }
      (document.querySelector(".gradio-container .contain") ?? document.body).append(this.bar);
    },
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]");
    if (event.key.toLowerCase() === "x" && compare.parts && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) compare.turn(1 - compare.side);
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  });
  addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  /* --- one card */

  function menu(label, entries) {
    return h("details", { class: "menu" }, h("summary", { class: "button" }, label), h("div", {}, ...entries));
  }

  function twice(label, sure, action) {
    const button = h("button", { type: "button", class: "button danger" }, label);
    button.addEventListener("click", () => {
      if (button.dataset.sure) return action();
      button.dataset.sure = "1";
      button.textContent = sure;
      setTimeout(() => { delete button.dataset.sure; button.textContent = label; }, 4000);
    });
    return button;
  }

  function card(first, act, options) {
    let clip = first;
    const button = (label, action, extra = {}) => h("button", { type: "button", class: "button", onclick: () => act(action, { id: clip.id }), ...extra }, label);
    const element = h("article", { class: "clip", "data-id": clip.id });
    const player = new Player(clip, (problem) => show(problem));
    const slider = scrubber(clip, (seconds) => player.seek(seconds));
    const play = h("button", { type: "button", class: "button round play", onclick: () => player.toggle() });
    const title = h("h3", {});
    const meta = h("p", { class: "meta" });
    const words = h("p", { class: "words" });
    const star = button(icon("star"), "keep", { class: "button round star" });
    const tags = h("div", { class: "tags" });
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const both = h("button", { type: "button", class: "button", "aria-pressed": "false", onclick: () => compare.toggle(clip) }, "A/B");
    const planned = h("button", { type: "button", class: "button", "aria-expanded": "false", title: "The bars it was made to; other ones can be played with the same seed", onclick: plan }, "Plan");
    const choice = options.select && h("input", { type: "checkbox", class: "choose", onchange: (event) => options.select(clip.id, event.target.checked) });

    function show(text) {
      slider.show(player.at);
      play.replaceChildren(icon(player.on ? "pause" : "play"));
      play.setAttribute("aria-label", `${player.on ? "Pause" : "Play"} ${quoted(clip.title)}`);
      element.classList.toggle("playing", player.on);
      problem.hidden = typeof text !== "string";
      if (typeof text === "string") problem.textContent = text;
    }

    function edit(name, value, done) {
      const field = h("input", { type: "text", class: "edit", maxlength: 200, "aria-label": name, value });
      let over = false;
      const end = (save) => { if (!over) { over = true; done(save ? field.value : null); } };
      field.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Enter") end(true);
        if (event.key === "Escape") end(false);
      });
      field.addEventListener("blur", () => end(true));
      return field;
    }

    /* The plan of the clip, to be changed and played with the same seed. */
    function plan() {
      const open = planned.getAttribute("aria-expanded") !== "true";
      planned.setAttribute("aria-expanded", String(open));
      if (!open) return strip.replaceChildren();
      const place = h("div", { class: "ttm" });
      strip.replaceChildren(place);
      const card = { title: clip.title, replay: (state) => act("replay", { id: clip.id, state }), take: ttm.takePlan };
      new ttm.Strip(place, { card }).act({ name: "clip", id: clip.id });
    }

    function rename() {
      const field = edit("New name", clip.title, (text) => {
        field.replaceWith(title);
        if (text !== null && text.trim() !== clip.title) act("rename", { id: clip.id, title: text });
      });
      title.replaceWith(field);
      field.focus();
      field.select();
    }

    function drawTags() {
      const add = h("button", { type: "button", class: "chip", "aria-label": `Add a tag to ${quoted(clip.title)}` }, "+ tag");
      add.addEventListener("click", () => {
        const field = edit("New tag", "", (text) => {
          field.replaceWith(add);
          if (text?.trim()) act("tag", { id: clip.id, tags: [...clip.tags, text] });
        });
        add.replaceWith(field);
        field.focus();
      });
      tags.replaceChildren(
        ...clip.tags.map((tag) => h("button", {
          type: "button", class: "chip", title: "Remove this tag", "aria-label": `Remove the tag ${tag}`,
          onclick: () => act("tag", { id: clip.id, tags: clip.tags.filter((other) => other !== tag) }),
        }, tag, icon("close"))), add);
    }

    const gone = h("p", { class: "gone" });
    const actions = h("div", { class: "actions" },
        button("Again with this seed", "again", { title: "Puts all settings of this clip into the form, with its seed" }),
        button("More like this", "more", { title: "Makes another clip with the same settings and a new seed" }),
        both, planned,
        menu("Download", FORMATS.map((end) => h("a", { href: url(clip, `${end}?download=1`), download: true }, end.slice(1).toUpperCase() + (end === clip.suffix ? ", as it was made" : "")))),
        h("button", { type: "button", class: "button", onclick: rename }, "Rename"),
        button("Delete", "delete"), tags);
    const bin = h("div", { class: "clip-bin" }, gone, button("Undo", "restore"));
    const binned = h("div", { class: "actions" }, button("Restore", "restore"), twice("Delete for ever", "Really? Press again", () => act("purge", { id: clip.id })));
    const strip = h("div", { class: "clip-plan" });
    const body = h("div", { class: "clip-body" },
      h("div", { class: "clip-head" }, choice, play, h("div", { class: "clip-words" }, title, meta), star),
      slider.element, problem, words, actions, strip, binned);

    let drawn = "";
    function update(next) {
      const changed = (name) => drawn === "" || JSON.stringify(next[name]) !== JSON.stringify(clip[name]);
      const retagged = changed("tags"), moved = changed("trashed");
      if (drawn === JSON.stringify(next)) return; // focus, an open menu and a half-typed name stay as they are
      drawn = JSON.stringify(next);
      clip = player.clip = next;
      title.textContent = clip.title;
      const facts = {
        seed: `seed ${clip.seed}`,
        model: clip.model,
        length: duration(clip.seconds),
        plan: clip.plan,
        settings: clip.settings,
        took: `took ${duration(clip.took)}`,
        date: options.dates && new Date(clip.created).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
        source: options.dates && clip.source !== "gui" && `made by ${clip.source}`,
      };
      meta.replaceChildren(...Object.entries(facts).filter(([, text]) => text).map(([name, text]) => h("span", { class: name }, text)));
      const more = [clip.title !== clip.prompt && clip.prompt, clip.negative && `not: ${clip.negative}`].filter(Boolean);
      words.textContent = more.join("  ·  ");
      words.hidden = more.length === 0;
      star.setAttribute("aria-pressed", String(clip.favourite));
      star.setAttribute("aria-label", `${clip.favourite ? "No favourite any more:" : "Keep as a favourite:"} ${quoted(clip.title)}`);
      element.setAttribute("aria-label", clip.title);
      choice?.setAttribute("aria-label", `Select ${quoted(clip.title)}`);
      if (retagged) drawTags();
      if (moved) place();
      show();
      mark();
    }

    /* A deleted clip leaves a line with Undo where it was; in the trash it is shown whole. */
    function place() {
      const trash = Boolean(clip.trashed && options.trash);
      if (clip.trashed && player.on) player.audio.pause();
      if (clip.trashed && compare.has(clip.id)) compare.toggle(clip);
      gone.textContent = `${quoted(clip.title)} is in the trash.`;
      star.hidden = actions.hidden = trash;
      binned.hidden = !trash;
      element.replaceChildren(clip.trashed && !trash ? bin : body);
    }

    function mark() { both.setAttribute("aria-pressed", String(compare.has(clip.id))); }
    document.addEventListener("ttm-compare", mark);

    return {
      element, update,
      choose(on) { if (choice) choice.checked = on; },
      close() { document.removeEventListener("ttm-compare", mark); player.audio?.pause(); if (playing === player) playing = null; },
    };
  }

  /* --- a list of cards: value {clips, empty, trash}; one event "click" {action, id or ids, ...} */

  function cards(element, props, trigger, watch, options = {}) {
    const known = new Map();
    const chosen = new Set();
    const list = h("div", { class: "clips" });
    const empty = h("p", { class: "empty" });
    const bar = h("div", { class: "chosen", role: "group", "aria-label": "Selected clips" });
    element.replaceChildren(h("h2", { class: "unseen" }, "Clips"), bar, list, empty);
    const act = (action, data = {}) => {
      if (!["again", "more", "replay"].includes(action)) return trigger("click", { action, ...data });
      ttm.make({ action, ...data }); // the form is on the Create tab
      document.querySelector("#tab-create-button")?.click();
    };
    if (options.form) ttm.make = (data) => trigger("click", data);

    function drawBar() {
      const ids = [...chosen];
      bar.hidden = ids.length === 0;
      const zip = (end) => `clips.zip?ids=${ids.map(encodeURIComponent).join(",")}${end ? `&suffix=${end}` : ""}`;
      const clear = () => { chosen.clear(); for (const one of known.values()) one.choose(false); drawBar(); };
      bar.replaceChildren(
        h("span", {}, `${ids.length} selected`),
        ...(props.value?.trash
          ? [h("button", { type: "button", class: "button", onclick: () => { act("restore", { ids }); clear(); } }, "Restore"),
             twice("Delete for ever", "Really? Press again", () => { act("purge", { ids }); clear(); })]
          : [menu("Export as a zip", [["as they were made", ""], ...FORMATS.map((end) => [end.slice(1).toUpperCase(), end])].map(([label, end]) => h("a", { href: zip(end), download: true }, label))),
             h("button", { type: "button", class: "button", onclick: () => { act("delete", { ids }); clear(); } }, "Delete")]),
        h("button", { type: "button", class: "button", onclick: clear }, "Select none"));
    }
    const select = options.select && ((id, on) => { if (on) chosen.add(id); else chosen.delete(id); drawBar(); });

    let newest = -1;
    function render() {
      const { clips = [], trash = false, empty: words = "", stamp = 0 } = props.value ?? {};
      if (stamp < newest) return; // it was worked out before what is shown
      newest = stamp;
      const key = (clip) => `${clip.id} ${trash}`;
      for (const clip of clips) {
        if (!known.has(key(clip))) known.set(key(clip), card(clip, act, { ...options, select, trash }));
        known.get(key(clip)).update(clip);
      }
      const keys = new Set(clips.map(key));
      for (const [one, shown] of known) if (!keys.has(one)) { shown.close(); known.delete(one); }
      for (const id of chosen) if (!clips.some((clip) => clip.id === id)) chosen.delete(id);
      arrange(list, clips.map((clip) => known.get(key(clip)).element));
      empty.textContent = words;
      empty.hidden = clips.length > 0;
      drawBar();
    }
    watch("value", render);
    render();
    if (options.dates) requestAnimationFrame(() => { for (const day of document.querySelectorAll(".day input")) day.type = "date"; });
  }

  Object.assign(ttm, { cards });
})();
