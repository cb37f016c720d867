// The service as the console calls it: clients/js for runs, and the few calls that it does not know.
import { Runwire, RunwireError } from "./runwire.js";

export { RunwireError };

/** Told of every change: "connecting", "live", "waiting" (cut, and coming back), "denied" or "". */
let report = () => {};

export function onConnection(listener) {
  report = listener;
}

/** The run has ended, and its stream with it. */
export function settled() {
  report("");
}

/** `fetch` that tells how the connection of a stream fares. */
async function watched(url, init) {
  if (!url.endsWith("/events")) return admitted(await fetch(url, init));
  report("connecting");
  const leave = () => report(init.signal?.aborted ? "" : "waiting");
  try {
    const response = await fetch(url, init);
    if (!response.ok || !response.body) {
      leave();
      return admitted(response);
    }
    report("live");
    const body = response.body.pipeThrough(new TransformStream({ flush: leave }));
    return new Response(body, { status: response.status, headers: response.headers });
  } catch (error) {
    leave();
    throw error;
  }
}

function admitted(response) {
  if (response.status === 401) report("denied");
  return response;
}

export const client = new Runwire({ fetch: watched });

export async function get(path) {
  return (await client.request(path)).json();
}

export async function post(path, body = {}) {
  const init = { method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(body) };
  const response = await client.request(path, init);
  return response.status === 204 ? null : response.json();
}

export async function remove(path) {
  await client.request(path, { method: "DELETE" });
}

/** What an error says, for people. */
export function words(error) {
  if (error instanceof RunwireError) {
    const details = error.details === undefined ? "" : ` (${typeof error.details === "string" ? error.details : JSON.stringify(error.details)})`;
    return error.message + details;
  }
  return error instanceof TypeError ? "The service does not answer" : String(error.message ?? error);
}
