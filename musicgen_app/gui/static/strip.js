/* The plan strip: tempo, key, metre, drums, and the bars of every section; how the prompt was read; files in and out.
   Whatever is done is sent to the server (/strip), one action after the other, and what it answers is shown. */
"use strict";

(() => {
  const { h, icon, bars, roving } = ttm;
  const PAUSE = 450; // milliseconds without a key until the prompt is read
  const HISTORY = 50;
  const LONGEST = 5000; // characters of a field that are sent; the server refuses a prompt of less
  const ORIGINS = {
    stated: "The prompt says it", option: "Set here", plan: "From a clip, a file or a sheet",
    borrowed: "Borrowed from a piece that is like the prompt", default: "Nobody says it",
  };
  const METRES = ["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "9/8", "12/8"];
  const KEYS = "Enter types, L locks, S splits or joins, plus adds a bar, Delete removes it, Alt and arrows move it, Control C and V copy it.";
  let count = 0;

  class Strip {
    /* asked: what the form says; changed(): the state is another; card: the clip whose plan it is. */
    constructor(element, { asked = {}, changed = () => {}, card = null } = {}) {
      Object.assign(this, { element, asked, changed, card, state: {}, read: null, view: null, history: [], work: Promise.resolve(), waiting: 0, soon: null });
      this.id = `strip-${++count}`;
      this.bars = bars((action, at) => this.act(action, at), (...chosen) => this.chose(...chosen));
      this.build();
      this.dropping();
    }

    /* --- asking the server */

    act(action, at) {
      const before = this.state, from = at === undefined ? null : this.bars.chosen;
      this.waiting += 1;
      if (action.name === "type") this.seen = null; // the bar shows what was typed until it is answered
      this.work = this.work.then(() => this.ask(action)).then((answer) => {
        if (answer.problem) { if (this.view) this.draw(); return answer; }
        if (!["read", "set", "clip"].includes(action.name)) this.history = [...this.history, before].slice(-HISTORY);
        this.show(answer, this.bars.chosen === from ? at : undefined);
        if (!this.card && action.name !== "read" && action.name !== "reset") this.reread();
        return answer;
      }).finally(() => { this.waiting -= 1; });
      return this.work;
    }

    /* Whether something is not shown yet; and when it is, the prompt read as it stands. */
    get busy() { return this.waiting > 0 || this.soon !== null; }
    async settled() {
      await this.work;
      if (this.soon !== null) { clearTimeout(this.soon); this.soon = null; await this.act({ name: "read" }); }
    }

    async ask(action) {
      this.element.setAttribute("aria-busy", "true");
      let answer;
      try {
        const body = JSON.stringify({ state: this.state, asked: this.asked, action });
        const sent = await fetch("strip", { method: "POST", headers: { "Content-Type": "application/json" }, body });
        answer = await sent.json();
      } catch {
        answer = { problem: "The server does not answer: is ttm-app still running?" };
      }
      this.element.removeAttribute("aria-busy");
      this.problem.textContent = answer.problem ?? "";
      this.problem.hidden = !answer.problem;
      return answer;
    }

    reread() {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => { this.soon = null; this.act({ name: "read" }); }, PAUSE);
    }

    tell(asked) {
      const cut = (value) => (typeof value === "string" ? value.slice(0, LONGEST) : value);
      this.asked = Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, cut(value)]));
      this.reread();
    }

    undo() {
      const state = this.history.pop();
      if (state) this.act({ name: "set", state });
    }

    /* --- showing */

    show(answer, at) {
      this.state = answer.state;
      for (const name of ["reading", "notes", "asked", "read"]) if (name in answer) this[name] = answer[name];
      if (answer.said) this.spoken.textContent = answer.said;
      this.view = answer.view;
      this.changed();
      this.draw(at);
    }

    draw(at) {
      if (this.bars.editing) { clearTimeout(this.later); this.later = setTimeout(() => this.draw(at), 200); return; }
      const { view } = this;
      this.fields(view);
      this.undoes.disabled = this.history.length === 0;
      if (this.resets) this.resets.hidden = !view.touched;
      const seen = JSON.stringify(view.parts);
      if (seen !== this.seen) {
        const focus = this.parts.contains(document.activeElement) ? document.activeElement.dataset : null;
        const [key, bar] = [focus?.key, focus?.bar];
        const lists = this.bars.draw(view.parts, `${this.id}-keys`);
        this.parts.replaceChildren(...view.parts.map((part, n) => this.part(part, n, lists[n], view.parts.length)));
        if (at === undefined && bar !== undefined) this.bars.choose(Number(bar));
        if (key) this.parts.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
      }
      this.seen = seen;
      if (at !== undefined && at !== null) this.bars.choose(at);
      this.told(view);
      if (document.activeElement !== this.sheet) this.sheet.value = view.sheet;
    }

    fields(view) {
      const { tempo, key, metre, drums, ends } = this.inputs;
      for (const [input, value] of [[tempo, view.tempo], [key, view.key], [metre, view.metre], [drums, view.drums]]) {
        if (document.activeElement !== input || input === drums) input.value = value;
        input.dataset.shown = value;
      }
      ends.checked = view.ends;
      for (const [part, tag] of Object.entries(this.origins)) {
        const origin = view.origin[part];
        tag.textContent = origin;
        tag.title = ORIGINS[origin];
        tag.className = `origin origin-${origin}`;
      }
      this.genre.hidden = !this.reading?.genre || view.origin.genre === "default";
      this.genreName.textContent = this.reading?.genre ?? "";
      this.swing.textContent = view.swing;
      this.swing.hidden = !view.swing;
      this.element.classList.toggle("unknown", !view.known);
    }

    /* What the prompt was read as, what the model cannot follow, and what a file was read as. */
    told(view) {
      const line = ({ text, as, why }) => h("li", {}, h("b", {}, text), as && as !== text ? ` → ${as}` : null, why ? h("small", {}, ` (${why})`) : null);
      const notes = [...(this.notes ?? []), ...view.notes].map((text) => ({ text, as: "", why: "" }));
      const lists = {
        "Understood": this.reading?.understood ?? [],
        "Approximated": [...(this.reading?.approximated ?? []), ...view.limits, ...notes],
        "Not understood": this.reading?.not_understood ?? [],
      };
      const seen = JSON.stringify(lists);
      if (seen === this.listed) return;
      this.listed = seen;
      this.reads.replaceChildren(...Object.entries(lists).filter(([, list]) => list.length).map(([name, list]) =>
        h("div", { class: `told told-${name.split(" ")[0].toLowerCase()}` }, h("h2", {}, name), h("ul", {}, ...list.map(line)))));
      this.reads.hidden = this.reads.children.length === 0;
    }

    /* --- building */

    build() {
      this.inputs = {
        tempo: this.field("tempo", "Tempo", { inputmode: "decimal", placeholder: "96", size: 5 }),
        key: this.field("key", "Key", { placeholder: "A minor", size: 9 }),
        metre: this.field("metre", "Metre", { placeholder: "4/4", size: 5, list: `${this.id}-metres` }),
        drums: h("select", { "aria-label": "Drums", onchange: (event) => this.act({ name: "drums", value: event.target.value }) },
          ...[["open", ""], ["drums", "yes"], ["no drums", "no"]].map(([text, value]) => h("option", { value }, text))),
        ends: h("input", { type: "checkbox", class: "choose", onchange: (event) => this.act({ name: "ends", value: event.target.checked }) }),
      };
      this.origins = {};
      const labelled = (name, text, ...inside) => {
        const origin = this.origins[name] = h("span", { class: "origin" });
        return h("div", { class: `strip-field strip-${name}` }, h("span", { class: "strip-label" }, h("span", { "aria-hidden": "true" }, text), origin), h("span", { class: "strip-input" }, ...inside));
      };
      const tap = h("button", { type: "button", class: "button", title: "Tap the beat, four times or more", onclick: () => this.tap() }, "Tap");
      this.origins.genre = h("span", { class: "origin" });
      this.genreName = h("b", {});
      this.genre = h("span", { class: "strip-genre", hidden: true }, "Genre ", this.genreName, " ", this.origins.genre);
      this.swing = h("span", { hidden: true });
      this.origins.chords = h("span", { class: "origin" });
      this.undoes = h("button", { type: "button", class: "button", disabled: true, onclick: () => this.undo() }, "Undo");
      this.file = h("input", { type: "file", class: "unseen", tabindex: -1, "aria-hidden": "true", "aria-label": "A plan", accept: ".mid,.midi,.smf,.txt,.cho,.crd,.chordpro,.pro,.json,.md", onchange: () => this.open(this.file.files) });
      const head = h("div", { class: "strip-head" },
        labelled("tempo", "Tempo", this.inputs.tempo, h("span", { class: "unit" }, "BPM"), tap),
        labelled("key", "Key", this.inputs.key), labelled("metre", "Metre", this.inputs.metre),
        h("datalist", { id: `${this.id}-metres` }, ...METRES.map((value) => h("option", { value }))),
        labelled("drums", "Drums", this.inputs.drums),
        h("label", { class: "strip-ends" }, this.inputs.ends, "Ends"), this.buttons());
      this.parts = h("div", { class: "strip-parts" });
      this.tools = this.toolbar();
      this.reads = h("section", { class: "strip-reading", "aria-label": "How it was read", hidden: true });
      this.problem = h("p", { class: "problem", role: "alert", hidden: true });
      this.spoken = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
      const about = h("p", { class: "strip-about" }, h("span", {}, "Chords ", this.origins.chords), this.genre, this.swing);
      this.element.classList.add("strip");
      this.element.setAttribute("role", "region");
      this.element.setAttribute("aria-label", this.card ? `Plan of ${this.card.title}` : "Plan");
      this.element.replaceChildren(head, about, this.parts, this.tools, this.problem, this.written(), this.file,
        h("p", { class: "unseen", id: `${this.id}-keys` }, KEYS), this.spoken);
      roving(this.parts, () => this.bars.cells(), (cell) => this.bars.choose(Number(cell.dataset.bar), false));
      this.element.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea")) return;
        event.preventDefault();
        this.undo();
      });
    }

    /* A text field of the head: what is typed is sent when it is left, or by Enter. */
    field(name, label, more) {
      const input = h("input", { type: "text", "aria-label": label, autocomplete: "off", spellcheck: "false", maxlength: 60, ...more });
      const send = () => { if (input.value.trim() !== (input.dataset.shown ?? "")) this.act({ name, value: input.value }); };
      input.addEventListener("change", send);
      input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) send(); });
      return input;
    }

    buttons() {
      const button = (text, action, more = {}) => h("button", { type: "button", class: "button", onclick: action, ...more }, text);
      const save = (text, form, suffix) => button(text, () => this.save(form, suffix));
      const menu = h("details", { class: "menu" }, h("summary", { class: "button" }, "File"),
        h("div", {}, button("Open a MIDI file, sheet or JSON…", () => this.file.click()),
          save("Save as a chord sheet", "sheet", "txt"), save("Save as MIDI", "midi", "mid"), save("Save as JSON", "json", "json")));
      this.resets = this.card ? null : button("From the prompt", () => this.act({ name: "reset" }), { title: "Forgets what was set here", hidden: true });
      const own = this.card
        ? [button("Play it to this plan", () => this.card.replay(this.state), { class: "button strong", title: "Another clip with the same settings and the same seed: the performance stays, the chords are these" }),
           button("Take it into the form", () => this.card.take(this.state))]
        : [this.resets];
      return h("div", { class: "strip-buttons" },
        button("Other chords", () => this.act({ name: "roll" }), { title: "Draws all bars anew that are not locked" }), this.undoes, ...own, menu);
    }

    toolbar() {
      const tools = {
        edit: "Type", lock: "Lock", split: "Split", copying: "Copy", paste: "Paste", left: "Move left", right: "Move right",
        add: "Add a bar", remove: "Remove", begin: "Section from here",
      };
      this.tool = {};
      for (const [what, text] of Object.entries(tools)) {
        this.tool[what] = h("button", { type: "button", class: "button", tabindex: what === "edit" ? 0 : -1, onclick: () => this.bars.todo(what) }, text);
      }
      this.toolName = h("b", { class: "tool-name", "aria-hidden": "true" });
      const bar = h("div", { class: "strip-tools", role: "toolbar" }, this.toolName, ...Object.values(this.tool));
      roving(bar, () => Object.values(this.tool).filter((one) => !one.disabled));
      return bar;
    }

    chose(number, bar, copied, said) {
      if (said) this.spoken.textContent = said;
      if (!this.tools || !bar) return;
      this.toolName.textContent = `Bar ${number + 1}`;
      this.tools.setAttribute("aria-label", `Bar ${number + 1}`);
      this.tool.lock.textContent = bar.locked ? "Unlock" : "Lock";
      this.tool.split.textContent = bar.slots.length > 1 ? "Join" : "Split";
      this.tool.paste.disabled = copied === null;
    }

    /* A section: what it says of itself above its bars. */
    part(part, n, list, many) {
      const wide = part.bars.length;
      const element = h("div", { class: "part", role: "group", "aria-label": part.section ? `Section ${part.section.name || n + 1}` : "The whole clip" });
      for (const [name, most] of [["--wide", 16], ["--middle", 8], ["--slim", 4]]) {
        const least = part.section ? Math.min(4, most) : most === 16 && wide <= 8 ? 8 : most;
        element.style.setProperty(name, String(Math.min(most, Math.max(least, wide))));
      }
      element.classList.toggle("whole", !part.section);
      if (!part.section) { element.append(list); return element; }
      const { name, times, drums, energy, says } = part.section;
      const set = (what, value) => this.act({ name: "section", part: n, what, value });
      const field = (what, attributes) => h("input", { "data-key": `${n} ${what}`, ...attributes });
      const title = field("name", { type: "text", class: "part-name", value: name, maxlength: 80, placeholder: "name", "aria-label": "Name of the section", onchange: (event) => set("name", event.target.value) });
      const often = field("times", { type: "number", min: 1, max: 100, value: times, onchange: (event) => set("times", Math.max(1, Math.round(Number(event.target.value) || 1))) });
      const drum = h("select", { "data-key": `${n} drums`, onchange: (event) => set("drums", event.target.value) },
        ...[["as the plan", ""], ["drums", "yes"], ["no drums", "no"]].map(([text, value]) => h("option", { value, selected: value === drums }, text)));
      const known = energy !== null && energy !== undefined;
      const percent = known ? `${Math.round(100 * energy)} %` : "";
      const amount = h("output", { "aria-hidden": "true" }, percent || "open");
      const level = field("energy", { type: "range", min: 0, max: 1, step: 0.05, value: known ? energy : 0.5, class: known ? "" : "open", "aria-valuetext": percent || "open" });
      level.addEventListener("input", () => { amount.textContent = `${Math.round(100 * level.value)} %`; });
      level.addEventListener("change", () => set("energy", Number(level.value)));
      const button = (text, action, off = false) => h("button", { type: "button", class: "button", disabled: off, "data-key": `${n} ${text}`, onclick: action }, text);
      const row = (text, ...inside) => h("label", { class: "part-row" }, h("span", {}, text), ...inside);
      const facts = [times > 1 && `× ${times}`, percent && `energy ${percent}`, { yes: "drums", no: "no drums" }[drums], says].filter(Boolean);
      const menu = h("details", { class: "menu part-menu", open: this.open_part === n },
        h("summary", { "data-key": `${n} menu`, "aria-label": `Section ${name}: ${facts.join(", ") || "repeats, energy and drums"}` }, facts.join(", ") || "section"),
        h("div", {},
          row("Times", often), row("Energy", level, amount), row("Drums", drum),
          h("div", { class: "part-buttons" },
            button("Energy open", () => set("energy", null), !known),
            button("Move left", () => this.act({ name: "carry", part: n, right: false }), n === 0),
            button("Move right", () => this.act({ name: "carry", part: n, right: true }), n === many - 1),
            button("New one like it", () => this.act({ name: "again", part: n })),
            button("Remove", () => this.act({ name: "drop", part: n }), many === 1))));
      menu.addEventListener("toggle", () => { if (menu.isConnected) this.open_part = menu.open ? n : this.open_part === n ? null : this.open_part; });
      element.append(h("div", { class: "part-head" }, title, menu), list);
      return element;
    }

    /* The same plan as a chord sheet, which can be changed and pasted. */
    written() {
      this.sheet = h("textarea", { rows: 5, spellcheck: "false", "aria-label": "Chord sheet", placeholder: "tempo 96 · 4/4 · key Am\nverse 8: Am F C/E E7\nchorus 8: F G Am Am" });
      const take = h("button", { type: "button", class: "button", onclick: () => this.act({ name: "sheet", text: this.sheet.value }) }, "Use this sheet");
      return h("details", { class: "strip-sheet" }, h("summary", {}, "Chord sheet"), this.sheet, take);
    }

    /* --- tapping, files */

    tap() {
      const now = performance.now();
      this.taps = [...(this.taps ?? []).filter((time) => now - time < 8000), now];
      if (this.taps.length > 1 && now - this.taps.at(-2) > 2500) this.taps = [now];
      clearTimeout(this.tapped);
      if (this.taps.length < 4) { this.spoken.textContent = "Go on."; return; }
      const tempo = Math.round(60000 * (this.taps.length - 1) / (now - this.taps[0]));
      this.inputs.tempo.value = String(tempo);
      this.tapped = setTimeout(() => this.act({ name: "tempo", value: String(tempo) }), 600);
    }

    dropping() {
      const files = (event) => event.dataTransfer.types.includes("Files");
      this.element.addEventListener("dragover", (event) => { if (files(event)) { event.preventDefault(); this.element.classList.add("over"); } });
      this.element.addEventListener("dragleave", () => this.element.classList.remove("over"));
      this.element.addEventListener("drop", (event) => {
        this.element.classList.remove("over");
        if (!files(event)) return;
        event.preventDefault();
        this.open(event.dataTransfer.files);
      });
    }

    async open([file]) {
      if (!file) return;
      const text = await new Promise((done) => {
        const reader = new FileReader();
        reader.onload = () => done(String(reader.result).replace(/^[^,]*,/, ""));
        reader.readAsDataURL(file);
      });
      this.file.value = "";
      await this.act({ name: "open", file: file.name, data: file.size ? text : "" });
    }

    async save(form, suffix) {
      const body = JSON.stringify(this.state.plan ?? {});
      const sent = await fetch(`v1/plans/convert?to=${form}`, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
      if (!sent?.ok) {
        this.problem.textContent = sent ? (await sent.json()).error.message : "The server does not answer: is ttm-app still running?";
        this.problem.hidden = false;
        return;
      }
      const link = h("a", { href: URL.createObjectURL(await sent.blob()), download: `plan.${suffix}` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      for (const menu of this.element.querySelectorAll("details.menu[open]")) menu.open = false;
    }
  }

  /* The strip of the form: value {state, read}, which goes with the request; a value with a stamp comes from the server
     and takes the place of what is there. */
  let form = null, asked = {};

  function strip(element, props, trigger, watch) {
    let stamp = 0;
    form = new Strip(element, { asked, changed: () => { props.value = { state: form.state, read: form.read }; } });
    form.state = { plan: {}, origin: {}, locked: [], roll: String(Math.floor(Math.random() * 2 ** 32)) };
    place.replaceChildren(form.reads);
    watch("value", () => {
      const value = props.value ?? {};
      if (!value.stamp || value.stamp === stamp) return;
      stamp = value.stamp;
      form.history = [];
      form.notes = [];
      form.state = value.state;
      form.act({ name: "read" });
    });
    form.act({ name: "read" });
  }

  /* Generate waits for what was just typed, so that what is played is what is seen. */
  addEventListener("click", (event) => {
    const button = event.target.closest?.("#generate");
    if (!button || !form?.busy) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    form.settled().then(() => button.click());
  }, true);

  /* Where it is told how the prompt was read: below it. */
  const place = h("div");
  function reading(element) { element.replaceChildren(place); }

  Object.assign(ttm, {
    Strip, strip, reading,
    asked(fields) { asked = fields; form?.tell(fields); },
    takePlan(state) {
      document.querySelector("#tab-create-button")?.click();
      form?.act({ name: "take", state });
      form?.element.scrollIntoView({ block: "nearest" });
    },
  });
})();
