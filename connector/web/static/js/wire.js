/* Requests to the service. In: a method, a path below the visit, a body. Out: parsed JSON, or a Problem.
   Never keeps anything of a patient outside the page's own memory. */

const LOCKED = 423;
const main = () => document.getElementById("main");

/** The path all addresses of this visit begin with. */
export const base = () => main().dataset.base;

/** An answer that is not a success: what problem+json says, or that nobody answered (`status` 0). */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.title || "The scribe cannot be reached");
    this.status = status;
    this.title = this.message;
    this.detail = body.detail || "Check the connection. Nothing you entered is lost.";
    this.supportCode = body.support_code || "";
    this.slug = (body.type || "").split(":").at(-1);
  }

  /** Whether the same request may succeed later by itself. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let unlocked = null;

/** Names what is called when the service has hidden the visit after a pause; it resolves once that is over. */
export function whenLocked(handler) {
  unlocked = handler;
}

/** Sends a request; `path` is relative to the visit unless it begins with a slash. Sent again after a lock. */
export async function send(method, path, options = {}) {
  try {
    return await sendOnce(method, path, options);
  } catch (problem) {
    if (problem.status !== LOCKED || !unlocked) throw problem;
    await unlocked();
    return send(method, path, options);
  }
}

/** Sends a request once, whatever comes of it. `seconds`: how long an answer may take; `heed` is told its headers. */
export async function sendOnce(method, path, { json, form, body, headers, seconds, heed } = {}) {
  const sent = { Accept: "application/json", ...headers };
  if (method !== "GET" && !headers?.Authorization) sent["X-CSRF-Token"] = document.querySelector("meta[name=csrf]").content;
  if (json !== undefined) {
    sent["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  } else if (form !== undefined) {
    body = new URLSearchParams(form);
  }
  const address = path.startsWith("/") ? path : `${base()}/${path}`;
  let answer;
  try {
    const signal = seconds ? AbortSignal.timeout(seconds * 1000) : undefined;
    answer = await fetch(address, { method, headers: sent, body, cache: "no-store", signal });
  } catch {
    throw new Problem(0);
  }
  if (answer.ok) heed?.(answer.headers);
  return read(answer);
}

async function read(answer) {
  const type = answer.headers.get("content-type") || "";
  let content = null;
  try {
    content = type.includes("json") ? await answer.json() : null;
  } catch {
    throw new Problem(0);
  }
  if (!answer.ok) {
    const unnamed = { title: "The scribe gave no usable answer", detail: "Try again in a moment." };
    throw new Problem(answer.status, content || unnamed);
  }
  return content;
}

/** This page of the visit, or the one at `address`, as the service draws it now, parsed but not run. */
export async function fetchPage(address = main().dataset.page || base()) {
  const page = await fetchDocument(address);
  if (page.getElementById("main")?.dataset.base) return page;
  if (!page.querySelector("[data-locked]") || !unlocked) throw new Problem(LOCKED, problemOf(page));
  await unlocked();
  return fetchPage(address);
}

function fetchDocument(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => {
      const page = request.response;
      if (request.status === 200 && page) resolve(page);
      else reject(new Problem(request.status, problemOf(page)));
    };
    request.onerror = request.ontimeout = () => reject(new Problem(0));
    request.timeout = 20000;
    request.send();
  });
}

function problemOf(page) {
  const card = page?.querySelector(".card--problem");
  if (!card) return {};
  return {
    title: card.querySelector("h1")?.textContent,
    detail: card.querySelector(".lead")?.textContent,
    support_code: card.querySelector("code")?.textContent,
  };
}
