// Uses the built client as a page would: `node js/try.mjs <url> <a key> <prompt> <words to add>`; prints what came of it.
import { Runwire, RunwireError } from "./dist/runwire.js";

const [url, key, prompt, words] = process.argv.slice(2);
const tokens = ["rwt_refused", key];
let asked = 0;
const client = new Runwire({ url, token: () => tokens[Math.min(asked++, tokens.length - 1)] });
const run = await client.start({ projectId: crypto.randomUUID(), value: prompt });
let steered = false;
let state;
for await (state of run.states()) {
  if (state.text && !steered) {
    steered = true;
    await run.steer(words);
    await run.cancel();
  }
}
const { status } = await run.show();
const refusal = await client.run("unknown").show().catch((error) => error instanceof RunwireError && error.status);
console.log(JSON.stringify({ runId: run.runId, state, status, asked, refusal }));
