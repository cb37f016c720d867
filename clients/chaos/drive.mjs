// Runs watched by the real clients in Node while others break things: `node chaos/drive.mjs <url> <runs> <seconds>`.
// Each client comes back as its documentation says; in the end one JSON list tells what each of them shows.
import { randomUUID } from "node:crypto";
import { HttpAgent } from "@ag-ui/client";
import * as ai7 from "ai";
import * as ai6 from "ai6";

const [url, runs, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const CANCELLED_SHARE = 0.12;
const SAY_MS = 15_000;
const AT_ONCE = 12; // of all clients: a machine that is given more starts everything and ends nothing
const waiting = new Map();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let reconnects = 0;
// HttpAgent throws the error of a cut connection once more where nobody can catch it.
process.on("unhandledRejection", () => {});

async function uiMessage(ai, name, headers) {
  const chatId = randomUUID();
  const api = `${url}/api/chat`;
  const transport = new ai.DefaultChatTransport({ api, headers });
  const messages = [{ id: randomUUID(), role: "user", parts: [{ type: "text", text: `a tip calculator` }] }];
  waiting.set(chatId, `${name}: begins`);
  const send = () => transport.sendMessages({ trigger: "submit-message", chatId, messages });
  cancelSome(() => fetch(`${api}/${chatId}/cancel`, { method: "POST" }));
  let message = null;
  waiting.set(chatId, `${name}: begins`);
  for (let open = send; ; ) {
    try {
      const stream = await open();
      if (stream) open = () => transport.reconnectToStream({ chatId });
      else open = send; // nothing to come back to: it never started
      const read = stream && ai.readUIMessageStream({ stream, terminateOnError: true });
      if (read) for await (const latest of read) message = latest;
      waiting.set(chatId, `${name} ${message?.id}: the stream ended`);
    } catch (error) {
      waiting.set(chatId, `${name} ${message?.id}: ${error}`);
    }
    if (message?.metadata?.end) {
      waiting.delete(chatId);
      return { client: name, runId: message.id, message };
    }
    reconnects++;
    await pause(100 + Math.random() * 400);
  }
}

async function agUi() {
  const agent = new HttpAgent({ url: `${url}/agui`, threadId: randomUUID() });
  agent.addMessage({ id: "u1", role: "user", content: "a tip calculator" });
  const runId = randomUUID();
  cancelSome(() => fetch(`${url}/agent/run/${runId}/cancel`, { method: "POST" }));
  waiting.set(runId, `ag-ui ${runId}: begins`);
  for (let finished = null, error = null; ; ) {
    await agent
      .runAgent({ runId }, {
        onRunFinishedEvent: ({ event }) => void (finished = event),
        onRunErrorEvent: ({ event }) => void (error = event.code === "disconnected" ? null : event.message),
      })
      .catch((cause) => waiting.set(runId, `ag-ui ${runId}: ${cause}`));
    if (finished || error) {
      waiting.delete(runId);
      return { client: "ag-ui", runId, messages: agent.messages, finished, error };
    }
    reconnects++;
    await pause(100 + Math.random() * 400);
  }
}

function cancelSome(cancel) {
  if (Math.random() < CANCELLED_SHARE) setTimeout(() => cancel().catch(() => {}), 500 + Math.random() * 4500);
}

const clients = [() => uiMessage(ai7, "ai7", {}), () => uiMessage(ai6, "ai6", { "X-AI-SDK": "6" }), agUi];
const started = [];
const shown = [];
const tell = () => console.log(JSON.stringify({ shown, reconnects }));
process.on("SIGTERM", () => (tell(), process.exit()));
for (let run = 0; run < runs; run++) {
  for (const client of clients) started.push(client().then((one) => shown.push(one)));
  while (waiting.size >= AT_ONCE) await pause(100);
  await pause((seconds * 1000) / runs);
}
console.error = () => {}; // HttpAgent tells every broken connection
const say = setInterval(() => process.stderr.write(`waiting for ${waiting.size}:\n${[...waiting.values()].slice(0, 10).join("\n")}\n`), SAY_MS);
await Promise.all(started);
clearInterval(say);
tell();
