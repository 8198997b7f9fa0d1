// Parts of a page, taken anew from the service.

import { failure } from "/assets/call.js";

/** Fetches a page, puts its element of this id in the place of the one that is shown, and returns it. */
export async function refresh(id, address = location.href) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const text = await answer.text();
  if (answer.redirected && new URL(answer.url).pathname === "/login") throw failure(401, text);
  if (!answer.ok) throw failure(answer.status, text);
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(id);
  if (!fresh) throw failure(answer.status, text);
  document.getElementById(id).replaceWith(fresh);
  return fresh;
}
