// Photos that the model was not sure of, or that the user corrected, saved as one file, which `sortline review` takes in.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build, chooseAndWait, closeBrowser, labelsOf, open } from "./harness.mjs";

const TASK = "sample";
const PHOTO = "star.png";
const labels = labelsOf(TASK);
const READ = `
import json, sys, zipfile
from PIL import Image
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    about = json.loads(archive.read("photos.json"))
    for photo in about["photos"]:
        image = Image.open(archive.open(photo["file"]))
        photo |= {"format": image.format, "size": image.size, "exif": len(image.getexif())}
print(json.dumps(about | {"names": archive.namelist()}))
`;

let sure, unsure, folder;
before(() => {
  sure = build(TASK, { changed: { threshold: null, unfamiliar_below: null }, name: "sure" });
  unsure = build(TASK, { changed: { threshold: "never", unfamiliar_below: null }, name: "never-sure" });
  folder = mkdtempSync(join(tmpdir(), "doubtful-"));
});
after(async () => {
  rmSync(folder, { recursive: true });
  await closeBrowser();
});

async function saved(page, save = () => page.click("#save")) {
  const [download] = await Promise.all([page.waitForEvent("download"), save()]);
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  const done = spawnSync(process.env.PYTHON ?? "python3", ["-c", READ, path], { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

test("a sure answer is nothing to save, until the user corrects it", async (context) => {
  const page = await open(context, sure);
  await chooseAndWait(page, TASK, PHOTO);
  assert.ok(await page.isHidden("#doubtful"));
  await page.selectOption("#class", "2");
  assert.ok(await page.isVisible("#save"));
  const about = await saved(page);
  assert.deepEqual([about.task, about.names], [TASK, ["photos.json", "001.jpg"]]);
  const [photo] = about.photos;
  assert.deepEqual([photo.corrected, photo.sure, photo.format, photo.exif], [labels.classes[2].en, true, "JPEG", 0]);
  assert.equal(photo.guesses.length, 5);
  await page.selectOption("#class", "");
  assert.ok(await page.isHidden("#doubtful"));
});

test("what was not sure can be saved, one photo after another, and forgotten", async (context) => {
  const page = await open(context, unsure);
  for (let count = 1; count < 3; count++) {
    await chooseAndWait(page, TASK, PHOTO);
    await page.waitForFunction((wanted) => document.getElementById("save").textContent.includes(wanted), String(count));
  }
  const about = await saved(page);
  assert.deepEqual(about.photos.map(({ sure, corrected }) => [sure, corrected]), [[false, null], [false, null]]);
  await page.click("#clear");
  assert.ok(await page.isHidden("#doubtful"));
});

test("what is forgotten while it is packed is in the file all the same", async (context) => {
  const page = await open(context, unsure);
  for (let count = 1; count < 3; count++) {
    await chooseAndWait(page, TASK, PHOTO);
    await page.waitForFunction((wanted) => document.getElementById("save").textContent.includes(wanted), String(count));
  }
  const about = await saved(page, () => page.evaluate(() => {
    document.getElementById("save").click();
    document.getElementById("clear").click();
  }));
  assert.equal(about.photos.length, 2);
});
