// Take the pictures of the app for docs/, with drawn pictures and the garbage model (or the sample's):
// PYTHON=.venv/bin/python node web/test/screenshots.mjs

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build, chooseAndWait, closeBrowser, fixture, open, ROOT, TASKS } from "./harness.mjs";

const TASK = TASKS.at(-1);
const PHONE = { viewport: { width: 360, height: 820 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1 };
const DRAWINGS = [["03_03", 0, 1], ["00_05", 2, 2], ["01_02", 3, 3], ["02_01", 3, 2], ["03_01", 4, 2], ["00_07", 0, 2]];

const draw = `
import sys
from sortline.data.sources.sample import picture
for code, number, seed in ${JSON.stringify(DRAWINGS)}:
    picture(code, number, 640, seed).save(f"{sys.argv[1]}/{code}.png")
`;
const python = (program, path) => execFileSync(process.env.PYTHON ?? "python3", ["-c", program, path], { cwd: ROOT });
mkdirSync(fixture("drawn"), { recursive: true });
python(draw, fixture("drawn"));
mkdirSync(join(ROOT, "docs"), { recursive: true });

const afters = [];
const context = { after: (one) => afters.push(one) };
const app = build(TASK);

async function take(name, options, { photos, language = "en", heat = false }) {
  const page = await open(context, app, options);
  if (language === "zh") await page.click("#language");
  for (const photo of photos) await chooseAndWait(page, "drawn", `${photo}.png`);
  if (heat) await page.click("#looked");
  await page.evaluate(() => document.activeElement.blur());
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(ROOT, "docs", `${name}.png`) });
}

const [banana, bottle, broom, battery, leaf, ball] = DRAWINGS.map(([code]) => code);
await take("web-phone", PHONE, { photos: [battery, bottle, banana] });
await take("web-phone-zh-dark", { ...PHONE, colorScheme: "dark" }, { photos: [broom, leaf], language: "zh" });
await take("web-laptop", { viewport: { width: 960, height: 700 } }, { photos: [battery, ball, banana, bottle, broom], heat: true });
for (const one of afters.reverse()) await one();
await closeBrowser();
