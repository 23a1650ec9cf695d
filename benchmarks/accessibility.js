// Runs axe-core over every page of an edition in Chromium: at four widths, dark and in print, folds closed and open.
// Needs Node with the packages playwright-core and axe-core (NODE_PATH), and a Chromium (CHROMIUM, else /usr/bin/chromium).
// Use: node benchmarks/accessibility.js reports/demo          Ends with 1 where anything was found.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const VIEWS = [320, 375, 768, 1280, "dark", "print"];
const axe = fs.readFileSync(require.resolve("axe-core"), "utf8");

async function look(browser, file, view, open) {
  const width = { print: 794, dark: 1280 }[view] || view;
  const colorScheme = view === "dark" ? "dark" : "light";
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (line) => faults.push(`console: ${line.text().slice(0, 120)}`));
  page.on("pageerror", (error) => faults.push(`error: ${String(error).slice(0, 120)}`));
  page.on("request", (sent) => /^(file|data|blob):/.test(sent.url()) || faults.push(`request: ${sent.url()}`));
  if (view === "print") await page.emulateMedia({ media: "print" });
  await page.goto(pathToFileURL(file).href);
  await page.waitForTimeout(path.basename(file) === "dashboard.html" ? 1200 : 50);
  await page.evaluate((shown) => document.querySelectorAll("details").forEach((fold) => (fold.open = shown)), open);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (view !== "print" && wide > width) faults.push(`scrolls sideways: ${wide} px`);
  await page.evaluate(axe);
  const rules = view === "print" ? { "target-size": { enabled: false } } : {}; // nobody taps on paper
  const found = await page.evaluate((only) => axe.run(document, { runOnly: only.tags, rules: only.rules, resultTypes: ["violations", "incomplete"] }), { tags: RULES, rules });
  for (const rule of found.violations) faults.push(`${rule.id}: ${rule.nodes.length}, ${rule.nodes[0].html.slice(0, 120)}`);
  await context.close();
  const reasons = found.incomplete.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${([...node.any, ...node.all, ...node.none][0] || {}).message || ""}`));
  return { faults, reasons };
}

(async () => {
  const folder = path.resolve(process.argv[2] || "reports/demo");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const review = new Map();
  let runs = 0, bad = 0;
  for (const name of fs.readdirSync(folder).filter((one) => one.endsWith(".html"))) {
    for (const view of VIEWS) {
      for (const open of [false, true]) {
        const { faults, reasons } = await look(browser, path.join(folder, name), view, open);
        runs += 1;
        bad += faults.length;
        if (faults.length) console.log(`${name}, ${view}, folds ${open ? "open" : "closed"}: ${faults.join(" | ")}`);
        for (const reason of reasons) review.set(reason, (review.get(reason) || 0) + 1);
      }
    }
  }
  await browser.close();
  for (const [reason, times] of review) console.log(`to review, ${times} times: ${reason}`);
  console.log(`${runs} runs, ${bad} faults`);
  process.exit(bad ? 1 : 0);
})();
