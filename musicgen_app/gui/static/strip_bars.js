/* The bars of a plan strip: one cell each, to be chosen, typed into, dragged and moved by keys.
   It knows no chords: what is shown comes from the server, and what is typed goes there. */
"use strict";

(() => {
  const { h, icon } = ttm;
  const BAR = "application/x-ttm-bar"; // what is dragged
  const BEGINS = /^[A-Ha-h0-9iIvV?%.♭♯#]$/; // what a bar may begin with: it is typed at once

  /* Arrow keys, Home and End among `items()`: one of them is in the order of Tab. */
  function roving(container, items, moved = () => {}) {
    const go = (target) => {
      for (const item of items()) item.tabIndex = item === target ? 0 : -1;
      target.focus();
      moved(target);
    };
    container.addEventListener("keydown", (event) => {
      const all = items(), at = all.indexOf(event.target);
      if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key] ?? line(all, at, event.key);
      if (next === undefined) return;
      event.preventDefault();
      if (all[next]) go(all[next]);
    });
  }

  /* The item above or below. */
  function line(all, at, key) {
    const down = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!down) return undefined;
    const from = all[at].getBoundingClientRect();
    const way = (box) => down * (box.top - from.top);
    const boxes = all.map((item, n) => ({ n, box: item.getBoundingClientRect() })).filter(({ box }) => way(box) > 4);
    const nearest = (a, b) => way(a.box) - way(b.box) || Math.abs(a.box.left - from.left) - Math.abs(b.box.left - from.left);
    return boxes.sort(nearest)[0]?.n ?? at;
  }

  /* All bars of a strip. act(action) sends an action to the server; told(number) is called when a bar is chosen. */
  function bars(act, told) {
    let cells = [], chosen = 0, editor = null, copied = null;
    const lists = [];

    function cell(bar, number, hint) {
      const slots = bar.slots.map(({ chord, share }) => {
        const slot = h("span", { class: "slot" }, chord || "–");
        slot.style.flexGrow = String(share);
        return slot;
      });
      const element = h("div", {
        class: ["bar", bar.locked && "locked", bar.past && "past", bar.tied && "tied"].filter(Boolean).join(" "),
        role: "button", tabindex: number === chosen ? 0 : -1, draggable: "true",
        "aria-label": bar.label, "aria-describedby": hint, "data-bar": number,
      }, h("span", { class: "number", "aria-hidden": "true" }, String(number + 1)), h("span", { class: "slots" }, ...slots),
      bar.locked && icon("lock"));
      element.addEventListener("click", () => (number === chosen && document.activeElement === element ? edit(number) : choose(number)));
      element.addEventListener("dblclick", () => edit(number));
      element.addEventListener("mousedown", () => { if (document.activeElement !== element) chosen = -1; }); // the first click chooses
      element.addEventListener("keydown", (event) => keys(event, number));
      element.addEventListener("dragstart", (event) => {
        event.dataTransfer.setData(BAR, String(number));
        event.dataTransfer.effectAllowed = "copyMove";
      });
      element.addEventListener("dragover", (event) => {
        if (!event.dataTransfer.types.includes(BAR)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = event.ctrlKey || event.altKey ? "copy" : "move";
        element.classList.add("over");
      });
      element.addEventListener("dragleave", () => element.classList.remove("over"));
      element.addEventListener("drop", (event) => {
        element.classList.remove("over");
        if (!event.dataTransfer.types.includes(BAR)) return;
        event.preventDefault();
        event.stopPropagation();
        const from = Number(event.dataTransfer.getData(BAR));
        if (from !== number) go({ name: event.ctrlKey || event.altKey ? "copy" : "swap", from, bar: number }, number);
      });
      return element;
    }

    function choose(number, focus = true) {
      chosen = Math.max(0, Math.min(number, cells.length - 1));
      cells.forEach((one, n) => { one.element.tabIndex = n === chosen ? 0 : -1; one.element.classList.toggle("at", n === chosen); });
      if (focus) cells[chosen]?.element.focus({ preventScroll: false });
      told(chosen, cells[chosen]?.bar, copied);
    }

    /* An action after which another bar is chosen, at once where it is there. */
    function go(action, next) {
      if (cells[next]) choose(next);
      return act(action, next);
    }

    /* Type into a bar. Enter takes it, Tab goes on with the next one, Escape leaves it as it was. */
    function edit(number, text) {
      if (!cells[number]) return;
      choose(number, false);
      const { element, bar } = cells[number];
      const field = h("input", {
        type: "text", class: "bar-field", maxlength: 500, value: text ?? bar.text, autocapitalize: "off", autocomplete: "off",
        spellcheck: "false", "aria-label": `Chords of bar ${number + 1}`,
      });
      let over = false;
      /* What comes next is there at once: who types fast does not wait for the server. */
      const end = async (take, next = number) => {
        if (over) return;
        over = true;
        editor = null;
        const typed = field.value, changed = take && typed.trim() !== bar.text;
        if (changed) element.querySelector(".slots").replaceChildren(h("span", { class: "slot" }, typed));
        field.replaceWith(element);
        const answer = changed && act({ name: "type", bar: number, text: typed });
        if (next === number) choose(number);
        else if (next !== null) edit(next);
        const still = () => editor === null && chosen === number && next === number;
        if ((await answer)?.problem && still()) edit(number, typed);
      };
      field.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) end(true);
        else if (event.key === "Escape") end(false);
        else if (event.key === "Tab") {
          const next = number + (event.shiftKey ? -1 : 1);
          if (!cells[next]) return;
          event.preventDefault();
          end(true, next);
        }
      });
      field.addEventListener("blur", () => end(true, null));
      editor = { end };
      element.replaceWith(field);
      field.focus();
      if (text === undefined) field.select();
      else field.setSelectionRange(text.length, text.length);
    }

    function keys(event, number) {
      const { key } = event, bar = cells[number].bar, command = event.ctrlKey || event.metaKey;
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      const does = command ? { c: "copying", v: "paste" }[key.toLowerCase()]
        : event.altKey ? step && "move"
        : { Enter: "edit", F2: "edit", " ": "edit", l: "lock", s: "split", "+": "add", Delete: "remove", Backspace: "empty" }[key] ?? (BEGINS.test(key) ? "type" : undefined);
      if (!does) return;
      event.preventDefault();
      if (does === "type") return edit(number, key);
      if (does === "move") return cells[number + step] && go({ name: "swap", from: number, bar: number + step }, number + step);
      if (does === "empty") return act({ name: "type", bar: number, text: "" }, number);
      todo(does, number, bar);
    }

    /* What the tools of the chosen bar do, too. */
    function todo(what, number = chosen, bar = cells[number]?.bar) {
      if (!bar) return undefined;
      if (what === "edit") return edit(number);
      if (what === "copying") { copied = number; return told(number, bar, copied, `Bar ${number + 1} is copied.`); }
      if (what === "paste") return copied !== null && cells[copied] ? act({ name: "copy", from: copied, bar: number }, number) : undefined;
      if (what === "lock") return act({ name: "lock", bar: number, on: !bar.locked }, number);
      if (what === "split") return act({ name: bar.slots.length > 1 ? "join" : "split", bar: number }, number);
      if (what === "left" || what === "right") {
        const to = number + (what === "left" ? -1 : 1);
        return cells[to] ? go({ name: "swap", from: number, bar: to }, to) : undefined;
      }
      return act({ name: what, bar: number }, what === "add" ? number + 1 : number);
    }

    return {
      todo, choose, edit,
      get editing() { return editor !== null; },
      get chosen() { return chosen; },
      /* New bars: a list of cells for every part. */
      draw(parts, hint) {
        cells = [];
        lists.length = 0;
        for (const part of parts) {
          const list = h("ol", { class: "bars", "aria-label": part.section ? `Bars of ${part.section.name || "the section"}` : "Bars" });
          for (const bar of part.bars) {
            const element = cell(bar, cells.length, hint);
            cells.push({ element, bar });
            list.append(h("li", {}, element));
          }
          lists.push(list);
        }
        chosen = Math.max(0, Math.min(chosen, cells.length - 1));
        choose(chosen, false);
        return lists;
      },
      cells: () => cells.map((one) => one.element),
    };
  }

  Object.assign(ttm, { bars, roving });
})();
