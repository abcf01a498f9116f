// Keeps every file of this version, so that the app opens without a network. The build fills in NAME and FILES; as the
// name comes from the files' content, a new model or a new page is a new cache.

const NAME = "__NAME__";
const FILES = __FILES__;

addEventListener("install", (event) => {
  // "no-cache": ask the server whether its file is still the one in the browser's cache, so no version mixes with another.
  const requests = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(requests)));
});

addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("sortline-") && name !== NAME);
      await Promise.all(old.map((name) => caches.delete(name)));
      await clients.claim();
    })(),
  );
});

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(NAME);
      const wanted = request.mode === "navigate" ? "index.html" : request;
      return (await cache.match(wanted, { ignoreSearch: true })) ?? fetch(request);
    })(),
  );
});
