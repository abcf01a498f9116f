// The page's elements: found, and made.
export const byId = (id) => document.getElementById(id);

export function put(parent, tag, text = "", set = {}) {
  const made = Object.assign(document.createElement(tag), set);
  made.textContent = text;
  parent.append(made);
  return made;
}
