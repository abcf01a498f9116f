// What the model said, on the page: the bin large and in its colour, the class in two languages, the best guesses.

import { draw } from "./heat.js";
import { names, percent, say } from "./text.js";

const GUESSES = 5;
const LEVEL = "95"; // percent, of the prediction sets that are shown
const FEW = 3; // classes that "or" joins
const $ = (id) => document.getElementById(id);

// Return the answer to show: the best guesses, whether the best is too weak to be given as one, the classes that it may
// be then, and whether the photo is unlike anything that the model was trained on.
export function judge(labels, { probabilities, similarity, familiarity, setScores, cam, ms }) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  const guess = (index) => {
    const label = labels.classes[index];
    const bin = labels.bins.find((one) => one.id === label.bin);
    return { index, label, bin, probability: probabilities[index] };
  };
  const guesses = order.slice(0, GUESSES).map(guess);
  const limit = labels.sets?.[LEVEL];
  const among = order.filter((index) => setScores?.[index] <= limit).map(guess);
  const known = familiarity ?? similarity;
  const least = familiarity === undefined ? labels.unfamiliar_below : labels.unknown_below;
  const familiar = known === undefined || known >= (least ?? -Infinity);
  return { guesses, among, cam, ms, familiar, sure: familiar && enough(guesses[0].probability, labels.threshold) };
}

// "never": no probability is right often enough; null: every one is taken.
function enough(probability, threshold) {
  return threshold !== "never" && probability >= (threshold ?? 0);
}

export function show(answer) {
  const [best] = answer.guesses;
  const card = $("card");
  card.replaceChildren(...(answer.sure ? verdict(best) : doubt(answer)));
  paint(card, answer.sure ? best.bin : undefined);
  $("guesses").replaceChildren(...answer.guesses.map(row));
  $("took").textContent = say("took", answer.ms);
  $("picture").setAttribute("aria-label", say("picture", plain(best.label)));
  $("looked").hidden = !answer.cam;
  showHeat(answer, $("looked").getAttribute("aria-pressed") === "true");
  $("answer").hidden = $("verdict").hidden = false;
}

export function showHeat(answer, wanted) {
  const heat = $("heat");
  heat.hidden = !wanted || !answer.cam;
  if (!heat.hidden) draw(heat, answer.cam, answer.guesses[0].index);
}

// The answer as one sentence, for screen readers.
export function spoken(answer) {
  if (undecided(answer)) return `${say("notSure")}. ${either(answer.among.map(({ label }) => plain(label))).join("")}`;
  const [{ label, bin, probability }] = answer.guesses;
  const told = [plain(label), bin && plain(bin), percent(probability, 0)].filter(Boolean).join(", ");
  return answer.sure ? told : `${say(answer.familiar ? "notSure" : "strange")}. ${say("perhaps")}${told}`;
}

// A name for places that take text alone.
export function plain(one) {
  return names(one)[0].text;
}

function verdict({ label, bin, probability }) {
  const lines = bin ? [line("large", ...both(bin)), line("middle", ...both(label))] : [line("large", ...both(label))];
  return [...lines, line("", say("sure", probability))];
}

function doubt(answer) {
  const [{ label, bin, probability }] = answer.guesses;
  const several = undecided(answer);
  const guess = several
    ? either(answer.among.map((one) => both(one.label))).flat()
    : [say("perhaps"), ...both(label), ` (${percent(probability, 0)})`];
  // A bin is named where all that it may be goes there.
  if (bin && (!several || answer.among.every((one) => one.bin === bin))) guess.push(" · ", ...both(bin));
  return [line("large", say(answer.familiar ? "notSure" : "strange")), line("", ...guess), line("", say("closer"))];
}

// May it be one of several classes, for all that is known?
function undecided({ sure, familiar, among }) {
  return !sure && familiar && among.length > 1;
}

// "A or B", "A, B or C"; of more classes "One of 5: A, B, C, D, E". `names` are texts, or lists of nodes.
function either(names) {
  const few = names.length <= FEW;
  const parts = names.flatMap((name, place) => {
    if (place === 0) return [name];
    return [few && place === names.length - 1 ? say("or") : say("comma"), name];
  });
  return few ? parts : [say("oneOf", names.length), ...parts];
}

function row({ label, bin, probability }) {
  const bar = element("span", "bar");
  const filled = element("span", "filled");
  filled.style.width = `${100 * probability}%`;
  if (bin) filled.style.backgroundColor = bin.colour;
  bar.append(filled);
  bar.setAttribute("aria-hidden", "true");
  const name = element("span", "name");
  name.append(...both(label));
  const share = element("span", "share", percent(probability));
  const item = document.createElement("li");
  item.append(name, share, bar);
  return item;
}

// Both names of a class or bin, the second smaller.
function both(one) {
  const [first, second] = names(one);
  const parts = [Object.assign(element("span", "", first.text), { lang: first.lang })];
  if (second) parts.push(" ", Object.assign(element("span", "second", second.text), { lang: second.lang }));
  return parts;
}

// Give the card its bin's colour, with black or white on it, whichever is easier to read.
function paint(card, bin) {
  card.classList.toggle("coloured", Boolean(bin));
  card.style.backgroundColor = bin?.colour ?? "";
  card.style.color = bin ? (contrastWithWhite(bin.colour) >= 4.5 ? "#fff" : "#000") : "";
}

// WCAG 2 contrast ratio of white on "#rrggbb"; at 4.5 it passes, and below that black does.
export function contrastWithWhite(colour) {
  const [red, green, blue] = [1, 3, 5].map((place) => {
    const level = parseInt(colour.slice(place, place + 2), 16) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

function line(name, ...content) {
  const paragraph = element("p", name);
  paragraph.append(...content);
  return paragraph;
}

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}
