// Opens the timelines named on the command line and uses them as a person would.
// Usage: node drive.mjs CHROMIUM SMALL.html LARGE.html FOLDER OF EXPORTS [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, small, large, exported, shots] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const problems = [];

async function open(file, { hash = "", ...options } = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(10_000);
  page.on("console", (m) => m.type() === "error" && problems.push(m.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (r) => r.url().startsWith("file:") || problems.push("asked for " + r.url()));
  page.on("dialog", (dialog) => { problems.push("a dialog: " + dialog.message()); dialog.dismiss(); });
  await page.goto("file://" + file + hash);
  return page;
}
const status = (page) => page.locator("#live").textContent();
const step = async (page) => Number((await page.locator('.row[aria-selected="true"]').getAttribute("data-at")));
async function shot(page, name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
}

async function keyboard() {
  const page = await open(small);
  const cause = await step(page);
  await page.keyboard.press("Home");
  assert.equal(await step(page), 0);
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowRight");
  assert.equal(await step(page), 2);
  await page.keyboard.press("k");
  assert.equal(await step(page), 1);
  assert.match(await status(page), /^Step \d+, main: /);
  await page.keyboard.press("f");
  assert.equal(await step(page), cause, "it opens at the first cause");
  await page.keyboard.press("End");
  const last = await step(page);
  await page.keyboard.press("j");
  assert.equal(await step(page), last, "the end is the end");
  assert.match(page.url(), /#step=\d+/);
  const line = await page.locator(".line.here .nr").textContent();
  assert.match(await page.locator("#source-title").textContent(), new RegExp(":" + line + "$"));
  await page.keyboard.press("?");
  assert.ok(await page.locator("#legend").isVisible());
  await page.close();
}

async function compares() {
  const page = await open(small);
  await page.keyboard.press("c");
  assert.equal(await page.locator("#compare").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("d");
  assert.ok(await page.locator('.row.differs[aria-selected="true"]').isVisible());
  const url = page.url();
  assert.match(url, /compare/);
  await shot(page, "compare");
  await page.close();
  const again = await open(small, { hash: url.slice(url.indexOf("#")), colorScheme: "dark" });
  assert.ok(await again.locator('.row.differs[aria-selected="true"]').isVisible(), "a deep link leads there");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "dark");
  await shot(again, "dark");
  await again.keyboard.press("t");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "light");
  await again.close();
}

async function mouse() {
  const page = await open(small);
  await page.locator("#first").click();
  assert.equal(await step(page), 0);
  await page.locator(".row").nth(3).click();
  assert.equal(await step(page), 3);
  const chart = await page.locator("#scroll").boundingBox();
  await page.mouse.click(chart.x + 190, chart.y + 30);
  assert.equal(await step(page), 0, "the chart's first step");
  for (const id of ["next", "in", "out", "last", "prev", "cause", "theme", "keys", "copy"]) {
    await page.locator("#" + id).click();
  }
  await page.close();
}

async function reads() {
  const page = await open(small);
  for (const role of ["toolbar", "listbox", "status"]) assert.ok(await page.getByRole(role).count(), role);
  assert.ok(await page.getByRole("option", { selected: true }).count());
  for (const button of await page.getByRole("button").all()) {
    const name = (await button.getAttribute("aria-label")) || (await button.textContent());
    assert.ok(name.trim(), "every button has a name");
  }
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i));
  assert.deepEqual(unnamed, [], "ids are unique");
  for (const theme of ["light", "dark"]) {
    const ratios = await page.evaluate((theme) => {
      document.documentElement.dataset.theme = theme;
      const style = getComputedStyle(document.documentElement);
      // Relative luminance and contrast as WCAG 2 defines them.
      const luminance = (name) => {
        const hex = style.getPropertyValue("--" + name).trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
        const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const contrast = ([ink, paper]) => {
        const [dark, light] = [luminance(ink), luminance(paper)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
      };
      const onBars = ["idle", "busy", "over", "wait", "select", "panel", "bg"].map((paper) => ["ink", paper]);
      const others = ["dim", "alarm", "warn", "accent", "keyword", "string", "comment"].map((ink) => [ink, "bg"]);
      return [...onBars, ...others, ["dim", "panel"], ["alarm", "select"], ["bg", "accent"]].map((pair) => [pair.join(" on "), contrast(pair)]);
    }, theme);
    for (const [pair, ratio] of ratios) assert.ok(ratio >= 4.5, `${theme}: ${pair} has a contrast of ${ratio.toFixed(2)}`);
  }
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.ok(!(await page.locator("#bar").isVisible()), "no buttons on paper");
  await page.close();
}

async function narrow() {
  const page = await open(small, { viewport: { width: 400, height: 800 } });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `the page is ${over} px too wide`);
  await shot(page, "narrow");
  await page.close();
}

async function twentyThousand() {
  const page = await open(large);
  const count = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).runs[0].events.length);
  assert.ok(count >= 20_000, String(count));
  const listed = await page.locator(".row").count();
  assert.ok(listed < 200, `${listed} rows are in the document`);
  await page.keyboard.press("End");
  assert.equal(await step(page), count - 1);
  await page.keyboard.press("-");
  // Not how fast, but that the work of a step does not depend on the length of the execution.
  const drawn = await page.evaluate(() => {
    const begin = performance.now();
    for (let i = 0; i < 50; i++) dispatchEvent(new KeyboardEvent("keydown", { key: "k" }));
    return (performance.now() - begin) / 50;
  });
  console.log(`a step among ${count}: ${drawn.toFixed(1)} ms`);
  const spent = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find((m) => m.name === "TaskDuration").value * 1000;
  };
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  for (const [id, edge] of [["scroll", "scrollLeft"], ["steps", "scrollTop"]]) {
    const before = await spent();
    const far = await page.evaluate(async ([id, edge]) => {
      const box = document.getElementById(id);
      box[edge] = 0;
      for (let i = 0; i < 60; i++) {
        box[edge] += 500;
        await new Promise(requestAnimationFrame);
      }
      return box[edge];
    }, [id, edge]);
    assert.equal(far, 30_000, "it scrolls");
    const frame = ((await spent()) - before) / 60;
    console.log(`a frame while ${id} scrolls: ${frame.toFixed(1)} ms of work`);
    assert.ok(frame < 250, `${frame} ms a frame`);
  }
  await page.keyboard.press("End");
  assert.ok(drawn < 500, `${drawn} ms a step`);
  assert.equal(await step(page), count - 1);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`first paint of ${count} steps after ${paint.toFixed(0)} ms`);
  await shot(page, "large");
  await page.close();
}

// What other tools read, by parsers that are not ours.

// The fields are those of the document "Trace Event Format", which Perfetto and chrome://tracing follow.
async function chromeTrace() {
  const trace = JSON.parse(readFileSync(join(exported, "chrome.json"), "utf8"));
  const needs = { M: ["args"], X: ["ts", "dur"], s: ["ts", "id", "cat"], f: ["ts", "id", "cat", "bp"], C: ["ts", "args"] };
  assert.ok(["ms", "ns"].includes(trace.displayTimeUnit));
  const slices = new Map(), flows = new Map(), named = new Set();
  for (const e of trace.traceEvents) {
    assert.ok(e.ph in needs, "a phase of the format: " + e.ph);
    assert.equal(typeof e.name, "string");
    assert.ok(Number.isInteger(e.pid) && (e.ph === "C" || Number.isInteger(e.tid)), JSON.stringify(e));
    for (const field of needs[e.ph]) assert.ok(field in e, `${e.ph} has ${field}`);
    if ("ts" in e) assert.ok(e.ts >= 0);
    if (e.ph === "M" && e.name === "thread_name") named.add(e.tid);
    if (e.ph === "C") assert.ok(Object.values(e.args).every((v) => typeof v === "number"));
    if (e.ph === "X") slices.set(e.tid, [...(slices.get(e.tid) || []), e]);
    if (e.ph === "s" || e.ph === "f") flows.set(e.id, { ...flows.get(e.id), [e.ph]: e });
  }
  let count = 0;
  for (const [tid, all] of slices) {
    assert.ok(named.has(tid), "every track has a name");
    count += all.length;
    // Slices of a track follow each other or are nested; ours follow each other.
    all.forEach((e, i) => assert.ok(e.dur > 0 && (!all[i + 1] || e.ts + e.dur <= all[i + 1].ts), e.name));
  }
  assert.equal(count, Number(readFileSync(join(exported, "events"), "utf8")));
  assert.ok(flows.size > 0);
  for (const { s, f } of flows.values()) {
    assert.ok(s && f && s.ts < f.ts && s.name === f.name && s.cat === f.cat, "an arrow begins and ends");
    for (const end of [s, f]) {
      const holds = (e) => e.ts <= end.ts && end.ts < e.ts + e.dur;
      assert.ok(slices.get(end.tid).some(holds), "an arrow is bound to a slice");
    }
  }
}

// ShiViz' default expression and the rules of its parser: events of a host count its own entry from 1, and no
// clock knows more of a host than has happened there.
async function shivizLog() {
  const log = readFileSync(join(exported, "shiviz.log"), "utf8");
  const expression = /(?<event>.*)\n(?<host>\S*) (?<clock>{.*})/g;
  const events = [...log.matchAll(expression)].map(({ groups }) => ({ ...groups, clock: JSON.parse(groups.clock) }));
  assert.equal(events.length, Number(readFileSync(join(exported, "events"), "utf8")));
  assert.equal(log.trimEnd().split("\n").length, 2 * events.length, "it is all read");
  const last = new Map();
  for (const { event, host, clock } of events) {
    assert.ok(event && host);
    assert.equal(clock[host], (last.get(host)?.[host] || 0) + 1, `${host} counts its own events`);
    for (const [other, n] of Object.entries(last.get(host) || {})) assert.ok(clock[other] >= n, "clocks only grow");
    last.set(host, clock);
  }
  for (const { clock } of events) {
    for (const [host, n] of Object.entries(clock)) assert.ok(n >= 1 && n <= last.get(host)[host], `${host} has ${n} events`);
  }
}

async function picture() {
  const page = await open(small);
  const svg = readFileSync(join(exported, "picture.svg"), "utf8");
  const read = await page.evaluate((text) => {
    const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    const error = root.querySelector("parsererror") || (root.nodeName === "parsererror" && root);
    return { error: error ? error.textContent : null, name: root.nodeName, texts: root.querySelectorAll("text").length, title: root.querySelector("title")?.textContent };
  }, svg);
  assert.equal(read.error, null);
  assert.equal(read.name, "svg");
  assert.ok(read.texts > 10);
  assert.match(read.title, /<&"'>/, "text stays text");
  const drawn = await browser.newPage();
  await drawn.goto("file://" + join(exported, "picture.svg"));
  await shot(drawn, "picture");
  await drawn.close();
  await page.close();
}

for (const test of [chromeTrace, shivizLog, picture, keyboard, compares, mouse, reads, narrow, twentyThousand]) {
  await test();
  console.log("ok", test.name);
}
await browser.close();
assert.deepEqual(problems, []);
