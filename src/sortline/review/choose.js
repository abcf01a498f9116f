// The dialog in which a class is found by typing, or added; what is a decision's word is none.
import { byId, put } from "./elements.js";

export function choose(about, words, decide) {
  const dialog = byId("choose"), typed = byId("typed"), list = byId("matches");
  let found = [], at = 0;
  const paint = () => {
    const text = typed.value.trim().toLowerCase();
    found = about.classes.filter((name) => name.toLowerCase().includes(text));
    found.sort((a, b) => b.toLowerCase().startsWith(text) - a.toLowerCase().startsWith(text));
    const isNew = text && !words.includes(text) && !about.classes.some((name) => name.toLowerCase() === text);
    if (isNew) found.push(typed.value.trim());
    at = Math.min(at, Math.max(0, found.length - 1));
    list.replaceChildren();
    found.forEach((name, place) => {
      const item = put(list, "li", isNew && place === found.length - 1 ? `add the class "${name}"` : name, { ariaSelected: String(place === at) });
      item.addEventListener("click", () => dialog.close(name));
    });
    byId("hint").textContent = isNew && about.bins.length ? `A new class comes with its bin: Name (${about.bins.join(" | ")})` : "Enter takes the marked one; arrows move";
  };
  typed.value = "";
  typed.oninput = () => { at = 0; paint(); };
  typed.onkeydown = (event) => {
    if (event.key === "ArrowDown") at += 1;
    else if (event.key === "ArrowUp") at = Math.max(0, at - 1);
    else if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Enter") dialog.close(found[at] ?? "");
    else paint();
  };
  dialog.onclose = () => dialog.returnValue && decide(dialog.returnValue);
  dialog.returnValue = "";
  dialog.showModal();
  paint();
}
