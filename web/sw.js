// @ts-check
/**
 * @file The service worker: the page from the browser's own cache, so that it works without a network, and the headers
 * that isolate it, where the host can't send them. `precache.js`, which the server or `wasmkiln site` makes, lists the files
 * of this version with their hashes.
 *
 * Each version has a cache of its own, filled file by file with what has the right hash, and used once it is whole. A page
 * stays with the version that it began with, so that it never gets modules of two. What the list doesn't name isn't touched.
 */

{
  /** @typedef {{waitUntil: (work: Promise<unknown>) => void}} Extendable */
  /** @typedef {Extendable & {request: Request, clientId: string, resultingClientId: string, respondWith: (answer: Promise<Response>) => void}} Fetch */
  /** @typedef {Extendable & {data: any, source: {postMessage: (message: unknown) => void} | null}} Message */
  /** @typedef {{id: string}} Client */
  /**
   * @typedef {object} Scope
   * @property {{scope: string, active: unknown}} registration
   * @property {{claim: () => Promise<void>, matchAll: (options: object) => Promise<Client[]>}} clients
   * @property {() => Promise<void>} skipWaiting
   * @property {(type: string, listener: (event: any) => void) => void} addEventListener
   * @property {Site} site
   */
  /**
   * What precache.js gives. `headers` go with every answer; `special` are those of single files.
   * @typedef {object} Site
   * @property {string} version
   * @property {boolean} revalidate ask the server at each visit whether this version is still its own
   * @property {Record<string, string>} headers
   * @property {Record<string, Record<string, string>>} special
   * @property {Record<string, [hash: string, bytes: number]>} files
   */

  const scope = /** @type {Scope} */ (/** @type {unknown} */ (self));
  /** @type {any} */ (self).importScripts('precache.js');
  const { version: VERSION, revalidate: REVALIDATE, headers: HEADERS, special: SPECIAL, files: FILES } = scope.site;

  const ROOT = scope.registration.scope;
  const PREFIX = `wasmkiln ${new URL(ROOT).pathname} `; // other sites may share the origin
  const NETWORK = 'network'; // in a version's place: from the server
  const WHOLE = '.whole'; // the entry that tells that a cache has all files
  const AT_ONCE = 4; // downloads

  const cacheOf = (/** @type {string} */ version) => caches.open(PREFIX + version);

  scope.addEventListener('install', (/** @type {Extendable} */ event) => {
    // The first version fetches nothing until the page asks for it, so that it is in nobody's way. A later one comes whole.
    const isFirst = scope.registration.active === null;
    event.waitUntil(isFirst || REVALIDATE ? scope.skipWaiting() : fill());
  });

  scope.addEventListener('activate', (/** @type {Extendable} */ event) => event.waitUntil(takeOver()));

  scope.addEventListener('message', (/** @type {Message} */ event) => {
    const answer = (/** @type {unknown} */ message) => event.source?.postMessage(message);
    if (event.data?.type === 'activate') event.waitUntil(scope.skipWaiting());
    if (event.data?.type === 'fill') event.waitUntil(keep(answer));
  });

  scope.addEventListener('fetch', (/** @type {Fetch} */ event) => {
    const { request } = event;
    const url = new URL(request.url);
    // Of another origin: the policy of the page, not ours, has to judge it.
    if (!url.href.startsWith(ROOT)) return;
    if (request.method === 'POST' && url.pathname === new URL('share', ROOT).pathname) return event.respondWith(takeShared(request));
    const path = pathOf(url);
    if (request.method !== 'GET' || !path || request.headers.has('Range') || request.cache === 'no-store') return;
    if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
    event.respondWith(answer(event, path));
  });

  /**
   * The listed file that a URL means.
   * @param {URL} url
   */
  function pathOf(url) {
    const path = url.href.slice(ROOT.length).replace(/[?#].*$/s, '');
    return [path || 'index.html', `${path}.html`].find((name) => Object.hasOwn(FILES, name));
  }

  /**
   * @param {Fetch} event
   * @param {string} path
   */
  async function answer({ request, clientId, resultingClientId }, path) {
    const version = request.mode === 'navigate' ? await versionToShow() : await versionOf(clientId);
    // Workers begin with their page's version, a page with the one that was chosen for it.
    if (resultingClientId && version !== VERSION) await remember(resultingClientId, version);
    if (version !== NETWORK) {
      const kept = await (await cacheOf(version)).match(path);
      if (kept) return kept;
    }
    try {
      return withHeaders(await fetch(request), path);
    } catch (error) {
      // Without a network: what there is, though it may be of an unfinished or another version.
      const kept = await (await cacheOf(VERSION)).match(path);
      if (kept) return kept;
      throw error;
    }
  }

  /** The version for a page that opens now. */
  async function versionToShow() {
    if (!(await isWhole())) return NETWORK;
    if (!REVALIDATE) return VERSION;
    try {
      const list = await (await fetch(`${ROOT}precache.js`, { cache: 'no-cache' })).text();
      return list.includes(JSON.stringify(VERSION)) ? VERSION : NETWORK;
    } catch {
      return VERSION;
    }
  }

  /** @type {Promise<boolean> | undefined} */
  let whole;
  function isWhole() {
    whole ??= cacheOf(VERSION).then(async (cache) => (await cache.match(WHOLE)) !== undefined);
    return whole;
  }

  /**
   * Keeps all files of this version; tells how far it has come, and how it ended.
   * @param {(message: unknown) => void} tell
   */
  async function keep(tell) {
    try {
      await fill((bytes, total) => tell({ type: 'filling', bytes, total }));
      void scope.clients.claim(); // Firefox doesn't say that it is done while a worker waits in Wasm
      await removeOld();
      tell({ type: 'filled' });
    } catch (error) {
      tell({ type: 'unfilled', reason: String(error) });
    }
  }

  /** @type {Promise<void> | undefined} the filling under way, of which there is but one */
  let filling;

  /** @param {(bytes: number, total: number) => void} [onProgress] */
  function fill(onProgress = () => {}) {
    filling ??= fillCache(onProgress).finally(() => (filling = undefined));
    return filling;
  }

  /** @param {(bytes: number, total: number) => void} onProgress */
  async function fillCache(onProgress) {
    if (await isWhole()) return;
    const cache = await cacheOf(VERSION);
    const older = await olderCaches();
    const total = Object.values(FILES).reduce((sum, [, bytes]) => sum + bytes, 0);
    await checkRoom(total);
    const waiting = Object.entries(FILES);
    let done = 0;
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [path, [hash, bytes]] = next;
        if (!(await cache.match(path))) await cache.put(path, (await fromCaches(older, path, hash)) ?? (await fetchFile(path, hash)));
        onProgress((done += bytes), total);
      }
    };
    const workers = Array.from({ length: AT_ONCE }, work);
    await Promise.all(workers).catch(async (error) => {
      waiting.length = 0;
      await Promise.allSettled(workers); // so that no progress is told after the failure
      throw error;
    });
    await cache.put(WHOLE, new Response());
    whole = Promise.resolve(true);
  }

  /** @param {number} needed */
  async function checkRoom(needed) {
    const { quota = Infinity, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    if (quota - usage < needed) throw new Error(`the browser gives this site ${quota} bytes, of which ${usage} are taken and ${needed} needed`);
  }

  /** @param {Cache[]} older @param {string} path @param {string} hash */
  async function fromCaches(older, path, hash) {
    for (const cache of older) {
      const kept = await cache.match(path);
      if (kept?.headers.get('ETag') === tagOf(hash)) return new Response(kept.body, { headers: headersFor(path, kept.headers, hash) });
    }
    return null;
  }

  /**
   * A file with the hash that it must have: what the browser has from loading the page, or else what the server sends now.
   * @param {string} path
   * @param {string} hash
   */
  async function fetchFile(path, hash) {
    for (const cache of /** @type {const} */ (['force-cache', 'reload'])) {
      // Hosts may redirect index.html to its folder.
      const response = await fetch(new URL(path === 'index.html' ? './' : path, ROOT), { cache });
      const body = await response.arrayBuffer();
      if (response.ok && (await hashOf(body)) === hash) return new Response(body, { headers: headersFor(path, response.headers, hash) });
    }
    throw new Error(`${path} is not the file that the list of this version means`);
  }

  /** @param {ArrayBuffer} body */
  async function hashOf(body) {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
    return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  const tagOf = (/** @type {string} */ hash) => `"${hash}"`;

  /**
   * The headers of a file in the cache: not those of the way that it came by, such as its encoding.
   * @param {string} path
   * @param {Headers} given
   * @param {string} hash
   */
  function headersFor(path, given, hash) {
    const type = given.get('Content-Type') ?? 'application/octet-stream';
    return { 'Content-Type': type, ETag: tagOf(hash), ...HEADERS, ...SPECIAL[path] };
  }

  /**
   * The server's answer with the headers that it may not have.
   * @param {Response} response
   * @param {string} path
   */
  function withHeaders(response, path) {
    if (response.type !== 'basic' || [204, 205, 304].includes(response.status)) return response;
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries({ ...HEADERS, ...SPECIAL[path] })) headers.set(name, value);
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  }

  // --- Pages that began with another version ---

  /** @typedef {{active: string | null, clients: Record<string, string>}} Memory `clients`: the version of each that hasn't the active one */

  const MEMORY = 'memory';
  /** @type {Promise<Memory> | undefined} */
  let memory;

  function recall() {
    memory ??= cacheOf(MEMORY).then(async (cache) => (await cache.match(MEMORY))?.json() ?? { active: null, clients: {} });
    return /** @type {Promise<Memory>} */ (memory);
  }

  /** @param {Memory} changed */
  async function save(changed) {
    await (await cacheOf(MEMORY)).put(MEMORY, new Response(JSON.stringify(changed)));
  }

  /** @param {string} clientId */
  async function versionOf(clientId) {
    const { clients } = await recall();
    return clients[clientId] ?? ((await isWhole()) ? VERSION : NETWORK);
  }

  /**
   * @param {string} clientId
   * @param {string} version
   */
  async function remember(clientId, version) {
    const { active, clients } = await recall();
    // While this version's cache is not whole, all is from the network anyway.
    if (version === NETWORK && !(await isWhole())) return;
    clients[clientId] = version;
    await save({ active, clients });
  }

  /** Becomes the version of pages that open from now on; those that are open stay with theirs. */
  async function takeOver() {
    const known = await recall();
    if (known.active && known.active !== VERSION) {
      for (const { id } of await openPages()) known.clients[id] ??= known.active;
    }
    known.active = VERSION;
    await save(known);
    await removeOld();
  }

  /** Without their workers: Firefox asks each client itself, and a worker that waits for its next task in Wasm doesn't answer. */
  async function openPages() {
    return scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  }

  /** Removes the caches that no open page is of. */
  async function removeOld() {
    const known = await recall();
    const versions = new Set((await openPages()).map(({ id }) => known.clients[id]));
    // A page's workers are known as long as any page of their version is open.
    for (const [id, version] of Object.entries(known.clients)) if (!versions.has(version)) delete known.clients[id];
    await save(known);
    const needed = new Set([MEMORY, SHARED, VERSION, ...Object.values(known.clients)]);
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && !needed.has(name.slice(PREFIX.length))) await caches.delete(name);
    }
  }

  async function olderCaches() {
    const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && ![VERSION, MEMORY, SHARED].includes(name.slice(PREFIX.length)));
    return Promise.all(names.map((name) => caches.open(name)));
  }

  // --- What other apps share ---

  const SHARED = 'shared';

  /**
   * Keeps the shared files for the page, which is opened then and takes them.
   * @param {Request} request
   */
  async function takeShared(request) {
    const files = (await request.formData()).getAll('files').filter((part) => part instanceof File);
    const cache = await cacheOf(SHARED);
    await Promise.all(
      files.map((file, i) => cache.put(`shared/${i}/${encodeURIComponent(file.name || 'photo')}`, new Response(file, { headers: { 'Content-Type': file.type } }))),
    );
    return Response.redirect(`${ROOT}?shared=${files.length}`, 303);
  }
}
