"use strict";
// The timeline. Invariants: text of the program's reaches the page as text nodes and canvas text only;
// what is drawn and listed is what is in sight, however long the execution is; every action has a key.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  // The fields of an event, as the writer orders them.
  const STEP = 0, ROW = 1, OBJECT = 2, FILE = 3, LINE = 4, COL = 5, TEXT = 6, MARK = 7, BLOCKS = 8;
  const HIGH = 26, HEAD = 20, LISTED = 22;
  let zoom = 0, at = 0, run = 0, comparing = false, scheduled = false;

  function element(name, text, attributes) {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    return e;
  }

  // What is looked up often: waits, arrows by step, the first and last event of each goroutine.
  for (const r of data.runs) {
    const last = new Map();
    r.waits = [];
    r.life = r.goroutines.map(() => [Infinity, -1]);
    r.into = new Map();
    r.from = new Map();
    r.events.forEach((e, i) => {
      const open = last.get(e[ROW]);
      if (open !== undefined) r.waits.push([e[ROW], open, i]);
      last.delete(e[ROW]);
      if (e[BLOCKS]) last.set(e[ROW], i);
      const life = r.life[e[ROW]];
      life[0] = Math.min(life[0], i);
      life[1] = i;
    });
    for (const [row, i] of last) r.waits.push([row, i, r.events.length]);
    for (const l of r.links) {
      for (const [map, key] of [[r.into, l[1]], [r.from, l[0]]]) {
        if (!map.has(key)) map.set(key, []);
        map.get(key).push(l);
      }
    }
  }

  const shown = () => (comparing ? data.runs.map((_, i) => i) : [run]);
  const here = () => data.runs[run];
  const rowsOf = (r) => r.goroutines.length + r.objects.length;
  const longest = () => Math.max(1, ...shown().map((i) => data.runs[i].events.length));
  const label = () => ($("chart").clientWidth < 700 ? 96 : 170);

  // Where each run's rows begin, from the top of the chart.
  function bands() {
    let y = HEAD;
    return shown().map((i) => {
      const title = comparing ? 22 : 0;
      const band = { i, title: y, y: y + title };
      y += title + rowsOf(data.runs[i]) * HIGH + 8;
      return { ...band, end: y };
    });
  }

  function fit() {
    const room = $("chart").clientWidth - label() - 24;
    zoom = Math.min(150, Math.max(16, room / longest()));
  }

  function layout() {
    const all = bands();
    const height = all[all.length - 1].end;
    $("chart").style.height = Math.min(height + 16, Math.max(160, innerHeight * 0.56)) + "px";
    $("width").style.width = label() + longest() * zoom + 20 + "px";
    $("width").style.height = height + "px";
    const canvas = $("canvas"), ratio = devicePixelRatio || 1;
    canvas.width = Math.round($("chart").clientWidth * ratio);
    canvas.height = Math.round($("chart").clientHeight * ratio);
    $("rows").style.height = here().events.length * LISTED + "px";
    draw();
    list();
  }

  function later() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      draw();
      list();
    });
  }

  const clipped = new Map();
  function clip(c, text, width) {
    if (width < 14) return "";
    const key = Math.floor(width / 8) + "|" + c.font.length + text;
    if (clipped.has(key)) return clipped.get(key);
    let cut = text;
    if (c.measureText(text).width > width) {
      let low = 0, high = Math.min(text.length, 200);
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (c.measureText(text.slice(0, middle) + "…").width <= width) low = middle; else high = middle - 1;
      }
      cut = low < 2 ? "" : text.slice(0, low) + "…";
    }
    if (clipped.size > 5000) clipped.clear();
    clipped.set(key, cut);
    return cut;
  }

  function draw() {
    const canvas = $("canvas"), c = canvas.getContext("2d"), ratio = devicePixelRatio || 1;
    const style = getComputedStyle(document.documentElement), inks = new Map();
    // Asked for hundreds of times a frame.
    const ink = (name) => inks.get(name) || inks.set(name, style.getPropertyValue("--" + name).trim()).get(name);
    const w = canvas.width / ratio, h = canvas.height / ratio;
    const left = label(), sx = $("scroll").scrollLeft, sy = $("scroll").scrollTop;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = ink("bg");
    c.fillRect(0, 0, w, h);
    c.font = "12px ui-monospace, 'DejaVu Sans Mono', monospace";
    c.textBaseline = "middle";
    const x = (i) => left + i * zoom - sx;
    const lo = Math.max(0, Math.floor(sx / zoom) - 1), hi = Math.ceil((sx + w - left) / zoom) + 1;
    const colors = [ink("idle"), ink("busy"), ink("over")];
    c.save();
    c.beginPath();
    c.rect(left, 0, w - left, h);
    c.clip();
    for (const band of bands()) {
      const r = data.runs[band.i], top = band.y - sy;
      const y = (row) => top + row * HIGH;
      const seen = (row) => y(row) > -HIGH && y(row) < h;
      r.life.forEach(([from, to], row) => {
        if (!seen(row) || to < 0) return;
        c.fillStyle = ink("line");
        c.fillRect(x(from), y(row) + HIGH / 2, (to - from) * zoom, 1);
      });
      c.fillStyle = ink("wait");
      for (const [row, from, to] of r.waits) {
        if (to >= lo && from <= hi && seen(row)) c.fillRect(x(from) + zoom / 2, y(row) + 9, (to - from - 0.5) * zoom, HIGH - 18);
      }
      r.objects.forEach((o, nth) => {
        const row = r.goroutines.length + nth;
        if (!seen(row)) return;
        let first = firstAfter(o.changes, lo) - 1;
        for (let k = Math.max(0, first); k < o.changes.length && o.changes[k][0] <= hi; k++) {
          const [from, text, tone] = o.changes[k];
          const to = k + 1 < o.changes.length ? o.changes[k + 1][0] : r.events.length;
          const a = Math.max(x(from), left - 4), b = Math.min(x(to), w + 4);
          c.fillStyle = colors[tone];
          c.fillRect(a, y(row) + 4, b - a - 1, HIGH - 8);
          c.fillStyle = ink("ink");
          c.fillText(clip(c, text, b - a - 8), a + 4, y(row) + HIGH / 2);
        }
      });
      for (let i = lo; i < Math.min(hi, r.events.length); i++) {
        const e = r.events[i];
        const chosen = band.i === run && i === at;
        if (seen(e[ROW])) {
          const mark = e[MARK];
          c.fillStyle = mark === 2 || mark === 1 ? ink("over") : e[BLOCKS] ? ink("wait") : ink("busy");
          c.beginPath();
          c.roundRect(x(i) + 1, y(e[ROW]) + 3, Math.max(2, zoom - 2), HIGH - 6, zoom > 8 ? 4 : 0);
          c.fill();
          c.fillStyle = ink("ink");
          const sign = mark === 2 ? "⊘" : "";
          c.fillText(clip(c, sign + e[TEXT], zoom - 8), x(i) + 5, y(e[ROW]) + HIGH / 2);
        }
        if (e[OBJECT] !== null && zoom > 5) {
          const row = r.goroutines.length + e[OBJECT];
          c.fillStyle = ink("dim");
          if (seen(row)) c.fillRect(x(i) + zoom / 2 - 1.5, y(row) + HIGH - 6, 3, 4);
        }
        if (chosen) {
          c.strokeStyle = ink("accent");
          c.lineWidth = 1;
          c.strokeRect(x(i) + 0.5, HEAD, zoom - 1, h);
          c.lineWidth = 2.5;
          c.strokeRect(x(i) + 1, y(e[ROW]) + 3, Math.max(2, zoom - 2), HIGH - 6);
        }
      }
      if (comparing && r.differs !== null) {
        c.strokeStyle = ink("warn");
        c.lineWidth = 2;
        c.setLineDash([5, 3]);
        c.beginPath();
        c.moveTo(x(r.differs), band.title - sy);
        c.lineTo(x(r.differs), band.end - sy - 8);
        c.stroke();
        c.setLineDash([]);
      }
      if (band.i === run) arrows(c, r, x, y, ink);
    }
    axis(c, x, lo, hi, w, ink);
    c.restore();
    names(c, left, h, sy, ink);
  }

  function firstAfter(changes, i) {
    let low = 0, high = changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (changes[middle][0] <= i) low = middle + 1; else high = middle;
    }
    return low;
  }

  function arrows(c, r, x, y, ink) {
    for (const [from, to, why] of linksOf(r, at)) {
      const a = [x(from) + zoom / 2, y(r.events[from][ROW]) + HIGH / 2];
      const b = [x(to) + zoom / 2, y(r.events[to][ROW]) + HIGH / 2];
      const down = Math.sign(b[1] - a[1]) || 1;
      a[1] += (down * HIGH) / 2 - down * 3;
      b[1] -= (down * HIGH) / 2 - down * 3;
      c.strokeStyle = c.fillStyle = ink("accent");
      c.lineWidth = 1.8;
      c.beginPath();
      c.moveTo(...a);
      c.bezierCurveTo(a[0], a[1] + down * 24, b[0], b[1] - down * 24, b[0], b[1] - down * 5);
      c.stroke();
      c.beginPath();
      c.moveTo(b[0], b[1]);
      c.lineTo(b[0] - 5, b[1] - down * 9);
      c.lineTo(b[0] + 5, b[1] - down * 9);
      c.fill();
      const width = c.measureText(why).width, middle = [(a[0] + b[0]) / 2 + 8, (a[1] + b[1]) / 2];
      c.fillStyle = ink("bg");
      c.globalAlpha = 0.85;
      c.fillRect(middle[0] - 3, middle[1] - 8, width + 6, 16);
      c.globalAlpha = 1;
      c.fillStyle = ink("accent");
      c.fillText(why, middle[0], middle[1]);
    }
  }

  function axis(c, x, lo, hi, w, ink) {
    c.fillStyle = ink("panel");
    c.fillRect(0, 0, w, HEAD);
    c.fillStyle = ink("dim");
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((n) => n * zoom >= 44) || 10000;
    const events = here().events;
    for (let i = lo - (lo % every); i < Math.min(hi, events.length); i += every) {
      if (i >= 0) c.fillText(String(events[i][STEP]), x(i) + 4, HEAD / 2);
    }
  }

  function names(c, left, h, sy, ink) {
    c.fillStyle = ink("panel");
    c.fillRect(0, 0, left, h);
    c.fillStyle = ink("line");
    c.fillRect(left - 1, 0, 1, h);
    for (const band of bands()) {
      const r = data.runs[band.i];
      c.font = "12px system-ui, sans-serif";
      if (comparing) {
        c.fillStyle = band.i ? ink("dim") : ink("alarm");
        c.fillText(clip(c, band.i ? "passes (nearest)" : "fails", left - 12), 6, band.title + 11 - sy);
      }
      [...r.goroutines, ...r.objects].forEach((item, row) => {
        const middle = band.y + row * HIGH + HIGH / 2 - sy;
        if (middle < HEAD - 8 || middle > h + HIGH) return;
        const object = row >= r.goroutines.length;
        c.font = (object ? "" : "bold ") + "12px system-ui, sans-serif";
        c.fillStyle = object ? ink("dim") : ink("ink");
        const named = object && !item.name.startsWith(item.noun) ? item.noun + " " + item.name : item.name;
        c.fillText(clip(c, named, left - 14), 8, middle);
      });
    }
    c.fillStyle = ink("panel");
    c.fillRect(0, 0, left, HEAD);
    c.fillStyle = ink("dim");
    c.font = "12px system-ui, sans-serif";
    c.fillText("step", 8, HEAD / 2);
  }

  const linksOf = (r, i) => [...(r.into.get(i) || []), ...(r.from.get(i) || [])];
  const who = (r, e) => r.goroutines[e[ROW]].name;

  // The list holds the rows in sight, and for a printer all of them.
  function list(all) {
    const box = $("steps"), rows = $("rows"), r = here();
    const first = all ? 0 : Math.max(0, Math.floor(box.scrollTop / LISTED) - 8);
    const end = all ? r.events.length : Math.min(r.events.length, first + Math.ceil(box.clientHeight / LISTED) + 16);
    const made = document.createDocumentFragment();
    for (let i = first; i < end; i++) {
      const e = r.events[i];
      const row = element("div", undefined, { role: "option", id: "step-" + i, "aria-selected": i === at, "aria-setsize": r.events.length, "aria-posinset": i + 1 });
      row.className = "row" + (e[MARK] === 2 ? " stop" : e[MARK] === 1 ? " named" : "") + (r.differs === i && comparing ? " differs" : "");
      row.style.top = i * LISTED + "px";
      row.append(element("span", String(e[STEP]).padStart(5) + "  ", { class: "dim" }), who(r, e).padEnd(6) + " " + (e[MARK] === 2 ? "⊘ " : "") + e[TEXT]);
      row.dataset.at = i;
      made.append(row);
    }
    rows.replaceChildren(made);
    if (r.events.length) box.setAttribute("aria-activedescendant", "step-" + at);
  }

  const WORDS = /\/\/.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|\b(?:as|async|await|break|const|continue|crate|else|enum|fn|for|if|impl|in|let|loop|match|mod|move|mut|pub|ref|return|self|Self|static|struct|super|trait|type|unsafe|use|where|while)\b/g;
  function coloured(line) {
    const parts = [];
    let end = 0;
    for (const m of line.matchAll(WORDS)) {
      parts.push(line.slice(end, m.index));
      const kind = m[0].startsWith("//") ? "c" : /^["']/.test(m[0]) ? "s" : "k";
      parts.push(element("span", m[0], { class: kind }));
      end = m.index + m[0].length;
    }
    parts.push(line.slice(end));
    return parts;
  }

  function source(e) {
    const box = $("source"), file = data.files[e[FILE]];
    if (!file || file.text === null) {
      const place = file ? file.name + ":" + e[LINE] + ":" + e[COL] : "the standard library or another package";
      box.replaceChildren(element("p", "No source here: " + place, { class: "line dim" }));
      $("source-title").textContent = "Source";
      return;
    }
    file.lines = file.lines || file.text.split("\n");
    const first = Math.max(0, e[LINE] - 250), made = document.createDocumentFragment();
    file.lines.slice(first, e[LINE] + 250).forEach((text, k) => {
      const nr = first + k + 1, row = element("div", undefined, { class: "line" });
      row.append(element("span", String(nr), { class: "nr" }));
      if (nr === e[LINE]) {
        row.classList.add("here");
        row.setAttribute("aria-current", "true");
        const chars = [...text], before = chars.slice(0, e[COL] - 1).join(""), rest = chars.slice(e[COL] - 1).join("");
        const word = (rest.match(/^[\w.:!&*]+/) || [rest.slice(0, 1)])[0];
        row.append(...coloured(before), element("mark", word), ...coloured(rest.slice(word.length)));
      } else row.append(...coloured(text));
      made.append(row);
    });
    box.replaceChildren(made);
    $("source-title").textContent = file.name + ":" + e[LINE];
    const line = box.querySelector(".here");
    if (line) box.scrollTop = line.offsetTop - box.clientHeight / 2;
  }

  function item(r, e) {
    const facts = element("dl"), add = (name, text) => text && facts.append(element("dt", name), element("dd", text));
    add("step", String(e[STEP]));
    add("goroutine", who(r, e) + (r.goroutines[e[ROW]].place ? ", created at " + r.goroutines[e[ROW]].place : ""));
    add("does", e[TEXT]);
    const o = r.objects[e[OBJECT]];
    if (o) {
      add(o.noun, o.name + ", created at " + o.place);
      const nth = firstAfter(o.changes, at) - 1;
      add("is then", nth >= 0 ? o.changes[nth][1] : "");
      add("at the end", o.end);
    }
    if (e[MARK] === 2) add("⊘", "waits here for ever");
    const box = $("item");
    box.replaceChildren(facts);
    for (const [from, to, why] of linksOf(r, at)) {
      const other = from === at ? to : from, there = r.events[other];
      const text = (from === at ? "to " : "from ") + "step " + there[STEP] + ": " + who(r, there) + " " + there[TEXT] + " (" + why + ")";
      const button = element("button", text, { type: "button" });
      button.addEventListener("click", () => select(other));
      box.append(button);
    }
  }

  function address() {
    const r = here(), step = r.events[at][STEP];
    let nth = 0;
    for (let i = at - 1; i >= 0 && r.events[i][STEP] === step; i--) nth++;
    return "#step=" + step + (nth ? "." + (nth + 1) : "") + (run ? "&run=passing" : "") + (comparing ? "&compare" : "");
  }

  function follow(hash) {
    const wanted = new URLSearchParams(hash.replace(/^#/, ""));
    if (wanted.has("compare") && data.runs.length > 1) comparing = true;
    if (wanted.get("run") === "passing" && data.runs.length > 1) run = 1;
    const [step, nth] = (wanted.get("step") || "").split(".").map(Number);
    const first = here().events.findIndex((e) => e[STEP] === step);
    return first < 0 ? null : Math.min(here().events.length - 1, first + (nth > 1 ? nth - 1 : 0));
  }

  function select(i, quiet) {
    const r = here();
    if (!r.events.length) return;
    at = Math.max(0, Math.min(r.events.length - 1, i));
    const e = r.events[at], scroll = $("scroll"), box = $("steps");
    const x = at * zoom, room = scroll.clientWidth - label();
    if (x < scroll.scrollLeft + zoom || x > scroll.scrollLeft + room - 2 * zoom) scroll.scrollLeft = x - room / 2;
    const band = bands().find((b) => b.i === run), y = band.y + e[ROW] * HIGH;
    if (y < scroll.scrollTop + HEAD || y > scroll.scrollTop + scroll.clientHeight - 2 * HIGH) scroll.scrollTop = y - scroll.clientHeight / 2;
    const top = at * LISTED;
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 2 * LISTED) box.scrollTop = top - box.clientHeight / 2;
    draw();
    list();
    source(e);
    item(r, e);
    $("live").textContent = "Step " + e[STEP] + ", " + who(r, e) + ": " + e[TEXT] + (e[MARK] === 2 ? ", waits for ever" : "");
    if (!quiet) history.replaceState(null, "", address());
  }

  function compare() {
    if (data.runs.length < 2) return;
    comparing = !comparing;
    if (!comparing) run = 0;
    $("compare").setAttribute("aria-pressed", comparing);
    layout();
    select(at);
  }

  function differ() {
    if (data.runs.length < 2 || here().differs === null) return;
    if (!comparing) compare();
    select(here().differs);
  }

  function scale(factor) {
    zoom = Math.min(240, Math.max(2, zoom * factor));
    layout();
    $("scroll").scrollLeft = at * zoom - ($("scroll").clientWidth - label()) / 2;
    draw();
  }

  function same(direction) {
    const events = here().events;
    for (let i = at + direction; i >= 0 && i < events.length; i += direction) {
      if (events[i][ROW] === events[at][ROW]) return select(i);
    }
  }

  function theme(wanted) {
    document.documentElement.dataset.theme = wanted;
    later();
  }

  function arrow(map, end) {
    const link = (map.get(at) || [])[0];
    if (link) select(link[end]);
  }

  const cause = () => {
    run = 0;
    if (data.runs[0].cause !== null) select(data.runs[0].cause);
  };
  const turn = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  const legend = () => {
    const open = $("legend").hidden;
    $("legend").hidden = !open;
    $("keys").setAttribute("aria-expanded", open);
    layout();
  };
  const ACTIONS = {
    j: () => select(at + 1), ArrowRight: () => select(at + 1), ArrowDown: () => select(at + 1),
    k: () => select(at - 1), ArrowLeft: () => select(at - 1), ArrowUp: () => select(at - 1),
    J: () => same(1), K: () => same(-1), Home: () => select(0), End: () => select(here().events.length - 1),
    PageDown: () => select(at + 20), PageUp: () => select(at - 20),
    f: cause, c: compare, d: differ, x: () => arrow(here().into, 0), X: () => arrow(here().from, 1),
    "+": () => scale(1.4), "=": () => scale(1.4), "-": () => scale(1 / 1.4), 0: () => { fit(); layout(); select(at); },
    t: turn, "?": legend,
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // In the source pane the arrows scroll.
    if (event.target === $("source") && /^(Arrow|Page|Home|End)/.test(event.key)) return;
    const action = ACTIONS[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });
  const buttons = { first: "Home", prev: "k", next: "j", last: "End", cause: "f", compare: "c", differ: "d", out: "-", in: "+", theme: "t", keys: "?" };
  for (const [id, key] of Object.entries(buttons)) $(id).addEventListener("click", () => ACTIONS[key]());

  $("scroll").addEventListener("scroll", later, { passive: true });
  $("steps").addEventListener("scroll", later, { passive: true });
  $("rows").addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) select(Number(row.dataset.at));
  });
  $("scroll").addEventListener("click", (event) => {
    const box = $("scroll").getBoundingClientRect();
    const px = event.clientX - box.left, py = event.clientY - box.top + $("scroll").scrollTop;
    const band = bands().find((b) => py >= b.title && py < b.end);
    if (!band || px < label()) return;
    const r = data.runs[band.i], i = Math.floor((px - label() + $("scroll").scrollLeft) / zoom);
    const row = Math.floor((py - band.y) / HIGH) - r.goroutines.length;
    run = band.i;
    $("rows").style.height = r.events.length * LISTED + "px";
    // On an object's row the last step that touched it is meant.
    let wanted = Math.min(i, r.events.length - 1);
    if (row >= 0) while (wanted > 0 && r.events[wanted][OBJECT] !== row) wanted--;
    select(wanted);
  });
  $("scroll").addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }, { passive: false });
  $("copy").addEventListener("click", () => {
    const done = () => { $("live").textContent = "Copied"; $("copy").textContent = "Copied"; };
    getSelection().selectAllChildren($("command"));
    if (navigator.clipboard) navigator.clipboard.writeText(data.replay).then(done, () => {});
    else if (document.execCommand("copy")) done();
  });
  addEventListener("resize", layout);
  addEventListener("hashchange", () => { const i = follow(location.hash); if (i !== null) { layout(); select(i, true); } });
  addEventListener("beforeprint", () => { if (here().events.length <= 2000) list(true); });
  addEventListener("afterprint", () => list());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));

  $("slug").textContent = data.severity + "[" + data.slug + "]";
  $("slug").className = data.severity;
  $("headline").textContent = data.headline;
  $("relation").textContent = data.relation;
  $("help").textContent = data.help.map((help) => "help: " + help).join("\n");
  const facts = [data.test && "test: " + data.test, ...data.numbers, ...data.others.map((o) => "also: " + o), "cargo selvedge explain " + data.slug];
  $("facts").append(...facts.filter(Boolean).map((text) => element("li", text)));
  $("command").textContent = data.replay;
  $("replay").hidden = !data.replay;
  $("compare").disabled = $("differ").disabled = data.runs.length < 2;
  $("cause").disabled = data.runs[0].cause === null;
  document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
  const start = follow(location.hash);
  $("compare").setAttribute("aria-pressed", comparing);
  fit();
  layout();
  if (here().events.length) select(start !== null ? start : data.runs[0].cause !== null ? data.runs[0].cause : 0, true);
  else $("steps").replaceChildren(element("p", "No execution was recorded.", { class: "line dim" }));
})();
