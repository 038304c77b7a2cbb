// node check.mjs CHROMIUM REPORT.html…   reports as readers meet them: axe's rules, width, keyboard, without scripts, on paper
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, ...reports] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const desk = { width: 1280, height: 900 };
const phone = { width: 360, height: 740 };
const between = [520, 700, 768, 930];
// A busy machine is slow to start a browser.
const timeout = 120_000;
const faults = [];
let checked = 0;

const expect = (holds, where, what) => {
  checked += 1;
  if (!holds) faults.push(`${where}: ${what}`);
};

const browser = await chromium.launch({
  executablePath,
  timeout,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

const visit = async (report, options, look) => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) said.push(`request of ${request.url()}`);
  });
  await page.goto(`file://${report}`);
  const { width } = options.viewport;
  const where = `${basename(report)} ${options.colorScheme ?? "light"} ${width}${options.javaScriptEnabled === false ? " without scripts" : ""}`;
  await look(page, where);
  expect(said.length === 0, where, said.join("; "));
  await context.close();
};

const passesAxe = async (page, where) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (values) => axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] }),
    rules,
  );
  for (const { id, help, nodes } of violations) {
    const first = nodes[0];
    expect(false, where, `${id} (${help}) in ${nodes.length} places, such as ${first.html.slice(0, 200)}: ${first.failureSummary}`);
  }
  expect(violations.length === 0, where, `${violations.length} rules broken`);
};

const fitsWidth = async (page, where) => {
  const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(needed <= given, where, `needs ${needed} pixels of ${given}`);
};

const open = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

const keyboard = async (page, where) => {
  const heading = page.locator(".sortable thead th").nth(2);
  if ((await heading.count()) === 0) return;
  const values = () => page.$$eval(".sortable tbody tr", (rows) => rows.map((row) => Number(row.cells[2].dataset.value)));
  const ordered = (list, sign) => list.every((value, at) => at === 0 || sign * (value - list[at - 1]) >= 0);
  await heading.locator("button").focus();
  await page.keyboard.press("Enter");
  expect((await heading.getAttribute("aria-sort")) === "descending", where, "first Enter does not sort downwards");
  expect(ordered(await values(), -1), where, "rows are not sorted downwards");
  await page.keyboard.press("Enter");
  expect((await heading.getAttribute("aria-sort")) === "ascending", where, "second Enter does not sort upwards");
  expect(ordered(await values(), 1), where, "rows are not sorted upwards");
};

const measures = async (page, where) => {
  const plan = page.locator(".plan[open]").first();
  for (const measure of ["blocks", "rows", "time"]) {
    const pick = plan.locator(`.pick-${measure}`);
    if ((await pick.count()) === 0) continue;
    await pick.check();
    const shown = await plan.locator(".flame").evaluateAll((flames) =>
      flames.filter((flame) => flame.checkVisibility()).map((flame) => flame.className));
    expect(shown.length === 1 && shown[0].endsWith(`by-${measure}`), where, `${measure}: shows ${shown}`);
  }
};

const follows = async (page, where) => {
  const link = page.locator(".places a").first();
  if ((await link.count()) === 0) return;
  await open(page);
  await page.evaluate(() => document.querySelectorAll(".plan").forEach((plan) => { plan.open = false; }));
  await link.click();
  const target = page.locator(await link.getAttribute("href"));
  expect(await target.isVisible(), where, "a link to a node does not open its plan");
};

for (const report of reports) {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [desk, phone]) {
      await visit(report, { viewport, colorScheme }, async (page, where) => {
        await fitsWidth(page, where);
        await open(page);
        await fitsWidth(page, `${where}, all open`);
        await passesAxe(page, where);
      });
    }
  }
  await visit(report, { viewport: desk }, async (page, where) => {
    for (const width of between) {
      await page.setViewportSize({ width, height: 900 });
      await fitsWidth(page, `${where}, at ${width}`);
    }
    await page.setViewportSize(desk);
    await keyboard(page, where);
    await measures(page, where);
    await follows(page, where);
  });
  await visit(report, { viewport: desk, javaScriptEnabled: false }, async (page, where) => {
    for (const part of ["#findings .evidence", ".plan[open] .tree", ".plan[open] .flame >> nth=0"]) {
      expect(await page.locator(part).first().isVisible(), where, `${part} is not to be seen`);
    }
    expect((await page.locator("button").count()) === 0, where, "there are buttons that do nothing");
  });
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${reports.length} reports, ${checked} checks, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
