// Keys and the buttons that show them: whoever has no keyboard uses the buttons.
export function bind(nav, actions) {
  for (const { keys, title, run } of actions) {
    if (!title) continue;
    const button = document.createElement("button");
    button.type = "button";
    const key = document.createElement("kbd");
    key.textContent = keys[0];
    button.append(key, ` ${title}`);
    button.addEventListener("click", run);
    nav.append(button);
  }
  document.addEventListener("keydown", (event) => {
    // A dialog that has just closed may still hold the focus.
    const typing = document.querySelector("dialog[open]") || (event.target.closest("input, select, textarea") && !event.target.closest("dialog"));
    const pressed = ["Enter", " "].includes(event.key) && event.target.closest("button, summary");  // by the browser
    if (typing || pressed || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const found = actions.find(({ keys }) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}
