// The server's routes. Paths are relative, so that the page works below a proxy's folder too.

/** What the server refused, with all it said. */
export class Refused extends Error {
  constructor(status, body, text) {
    const error = body?.error;
    const message = typeof error === 'string' ? error : error?.message ?? (text || `HTTP ${status}`);
    super(message);
    this.status = status;
    this.details = error?.details ?? '';
    this.nodeErrors = body?.node_errors ?? {};
  }
}

export const events = new EventTarget();
const tell = (type, detail) => events.dispatchEvent(new CustomEvent(type, {detail}));

/** The name under which the server sends this page its events; kept over a reload, never shared by two tabs. */
export const clientId = (() => {
  let kept = null;
  try {
    kept = sessionStorage.getItem('quartet.client');
    sessionStorage.removeItem('quartet.client');
  } catch {
    // Without storage the id lasts as long as the page.
  }
  const id = kept ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
  addEventListener('pagehide', () => {
    try {
      sessionStorage.setItem('quartet.client', id);
    } catch {
      // As above.
    }
  });
  return id;
})();

export async function call(path, {body, headers} = {}) {
  let answer;
  try {
    answer = await fetch(path, body === undefined ? {headers}
      : {method: 'POST', headers: {'Content-Type': 'application/json', ...headers}, body: JSON.stringify(body)});
  } catch (failure) {
    tell('away', failure);
    throw failure;
  }
  tell('there');
  const words = await answer.text();
  let json = null;
  try {
    json = words ? JSON.parse(words) : null;
  } catch {
    // Not every refusal is JSON.
  }
  if (answer.status === 401) tell('locked');
  if (!answer.ok) throw new Refused(answer.status, json, words.trim());
  return json;
}

/** Tries a key; on success the browser keeps it in a cookie that scripts cannot read. */
export async function unlock(key) {
  const answer = await fetch(`./?token=${encodeURIComponent(key)}`);
  return answer.ok;
}

export const pictureUrl = image => `view?${new URLSearchParams({
  filename: image.filename, subfolder: image.subfolder ?? '', type: image.type ?? 'output'})}`;
