// Shows openapi.json as a page, and sends photos that are chosen. Nothing comes from another place.
const byId = (id) => document.getElementById(id);

function put(parent, tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return parent.appendChild(made);
}

function table(parent, rows) {
  const made = put(parent, "table");
  for (const [name, text] of rows) {
    const row = put(made, "tr");
    put(row, "th", name);
    put(row, "td", text);
  }
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  return schema.const ?? [schema.type].flat().join(" or ");
}

async function show() {
  const description = await (await fetch("openapi.json")).json();
  byId("about").textContent = `${description.info.description} Version ${description.info.version}.`;
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, about] of Object.entries(methods)) {
      const section = put(byId("paths"), "section");
      put(section, "h3", `${method.toUpperCase()} ${path}`);
      put(section, "p", about.summary + ". " + (about.description ?? ""));
      table(section, (about.parameters ?? []).map((one) => [`?${one.name}=`, `${one.description} (${one.schema.minimum} to ${one.schema.maximum}, default ${one.schema.default})`]));
      if (about.requestBody) put(section, "p", "Content-Type: " + Object.keys(about.requestBody.content).join(", "));
      table(section, Object.entries(about.responses).map(([code, one]) => [code, one.description]));
    }
  }
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    const section = put(byId("schemas"), "section");
    put(section, "h3", name);
    table(section, Object.entries(schema.properties).map(([key, one]) => [key, `${kind(one)}. ${one.description ?? ""}`]));
  }
}

byId("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = byId("answer");
  answer.hidden = false;
  answer.textContent = "...";
  try {
    const got = await fetch("predict", { method: "POST", body: new FormData(event.target) });
    answer.textContent = `${got.status}\n${await got.text()}`;
  } catch (error) {
    answer.textContent = String(error);
  }
});
for (const place of document.querySelectorAll(".here")) place.textContent = location.origin + "/";
show();
