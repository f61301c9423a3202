// Opens the timelines named on the command line and uses them as a person would.
// Usage: node drive.mjs CHROMIUM SMALL.html LARGE.html [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [executablePath, small, large, shots] = process.argv.slice(2);
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
  const drawn = await page.evaluate(async () => {
    const begin = performance.now();
    for (let i = 0; i < 50; i++) dispatchEvent(new KeyboardEvent("keydown", { key: "k" }));
    return (performance.now() - begin) / 50;
  });
  console.log(`a step among ${count}: ${drawn.toFixed(1)} ms`);
  assert.ok(drawn < 500, `${drawn} ms a step`);
  assert.equal(await step(page), count - 51);
  await shot(page, "large");
  await page.close();
}

for (const test of [keyboard, compares, mouse, reads, narrow, twentyThousand]) {
  await test();
  console.log("ok", test.name);
}
await browser.close();
assert.deepEqual(problems, []);
