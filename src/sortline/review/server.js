// Asks this page's own server; paths are relative, so that the token in the address goes with them.
async function ask(path, options) {
  const got = await fetch(path, options).catch(() => {
    throw new Error("The server does not answer; is `sortline review` still running?");
  });
  const said = await got.json().catch(() => ({ error: `The server failed (${got.status}); its terminal says why` }));
  if (!got.ok && got.status !== 409) throw new Error(said.error);
  return { taken: got.status === 409, said };
}

export async function get(path) {
  return (await ask(path)).said;
}

export async function post(path, content = {}) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  const { taken, said } = await ask(path, options);
  return { taken, ...said };
}
