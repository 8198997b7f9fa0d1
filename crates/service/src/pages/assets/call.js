// Calls of the API.

/** Answer that is an error: its status, its reason, and the seconds after which to try again. */
export class Failure extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/** Sends a request, with a JSON body if one is given, and returns the JSON of the answer. */
export async function call(method, address, body) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Failure(0, "the service does not answer");
  }
  if (answer.ok) return answer.status === 204 ? undefined : answer.json();
  throw await failure(answer.status, await answer.text());
}

/** Failure that an answer tells; without a login the browser is led there. */
export function failure(status, text) {
  if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  try {
    const problem = JSON.parse(text);
    return new Failure(status, problem.detail, problem.retry_after);
  } catch {
    return new Failure(status, `the service answered with ${status}`);
  }
}
