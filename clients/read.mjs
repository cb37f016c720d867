// Reads streams with the real clients, as pages use them, and prints the messages that they end with, as JSON.
// Standard input: [{"client": "ai7" | "ai6" | "ag-ui", "body": "<the response's bytes>", "chunk": 1000}, …]
import { HttpAgent } from "@ag-ui/client";
import * as ai7 from "ai";
import * as ai6 from "ai6";

const CHAT = { role: "user", id: "u1", parts: [{ type: "text", text: "a page" }] };

async function readUiMessage(ai, body, chunk) {
  const transport = new ai.DefaultChatTransport({ api: "http://x/api/chat", fetch: async () => answer(body, chunk) });
  const stream = await transport.sendMessages({ trigger: "submit-message", chatId: "c1", messages: [CHAT] });
  let message = null;
  let error = null;
  const read = ai.readUIMessageStream({ stream, terminateOnError: true, onError: (cause) => (error = cause.message) });
  try {
    for await (const latest of read) message = latest;
  } catch (cause) {
    error = cause.message;
  }
  return { message, error };
}

async function readAgUi(body, chunk, { messages, runId }) {
  const agent = new HttpAgent({ url: "http://x/agui", threadId: "t1", fetch: async () => answer(body, chunk) });
  agent.setMessages(messages ?? [{ id: "u1", role: "user", content: "a page" }]);
  let error = null;
  let finished = null;
  const custom = [];
  await agent
    .runAgent({ runId: runId ?? "r1" }, {
      onRunErrorEvent: ({ event }) => void (error = event.message),
      onRunFinishedEvent: ({ event }) => void (finished = event),
      onCustomEvent: ({ event }) => void custom.push(event),
    })
    .catch((cause) => (error = cause.message));
  return { messages: agent.messages, error, finished, custom, interrupts: agent.pendingInterrupts };
}

function answer(body, chunk) {
  const bytes = new TextEncoder().encode(body);
  const pieces = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunk) controller.enqueue(bytes.slice(at, at + chunk));
      controller.close();
    },
  });
  return new Response(pieces, { headers: { "content-type": "text/event-stream" } });
}

const input = [];
for await (const part of process.stdin) input.push(part);
const results = [];
for (const { client, body, chunk, ...rest } of JSON.parse(Buffer.concat(input).toString())) {
  if (client === "ag-ui") results.push(await readAgUi(body, chunk, rest));
  else results.push(await readUiMessage(client === "ai7" ? ai7 : ai6, body, chunk));
}
console.log(JSON.stringify(results));
