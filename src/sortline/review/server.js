// Asks this page's own server; paths are relative, so that the token in the address goes with them.
export async function get(path) {
  const got = await fetch(path);
  if (!got.ok) throw new Error((await got.json()).error);
  return got.json();
}

export async function post(path, content = {}) {
  const got = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });
  const said = await got.json();
  if (!got.ok && got.status !== 409) throw new Error(said.error);
  return { taken: got.status === 409, ...said };
}
