// Take the pictures of the app for docs/, with drawn shapes and the sample's model:
// PYTHON=.venv/bin/python node web/test/screenshots.mjs

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build, chooseAndWait, closeBrowser, fixture, open, ROOT } from "./harness.mjs";

const TASK = "sample";
const PHONE = { viewport: { width: 360, height: 820 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1 };
const SHAPES = ["circle", "ring", "star", "cross", "stripes", "dots"];

const draw = `
import sys
from sortline.data.sources.toy import picture
for name in ${JSON.stringify(SHAPES)}:
    picture(name, 0, 640, 2).save(f"{sys.argv[1]}/{name}.png")
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

await take("web-phone", PHONE, { photos: ["cross", "ring", "dots"] });
await take("web-phone-zh-dark", { ...PHONE, colorScheme: "dark" }, { photos: ["star", "stripes"], language: "zh" });
await take("web-laptop", { viewport: { width: 960, height: 700 } }, { photos: ["cross", "circle", "dots", "ring", "star"], heat: true });
for (const one of afters.reverse()) await one();
await closeBrowser();
