// Reads streams with the real clients, as pages use them, and prints the messages that they end with, as JSON.
// Standard input: [{"client": "ai7" | "ai6" | "ag-ui", "body": "<the response's bytes>", "chunk": 1000}, …]
// With "bodies" and "answers" instead of a body: a client that answers each approval, and reads the next body then.
import { HttpAgent } from "@ag-ui/client";
import * as ai7 from "ai";
import * as ai6 from "ai6";
import { makeChat } from "./chat.mjs";

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

async function readChat(ai, { bodies, answers, chunk }) {
  const sent = [];
  const fetch = async (url, { body }) => (sent.push(JSON.parse(body)), answer(bodies[sent.length - 1], chunk));
  const chat = makeChat(ai, { transport: new ai.DefaultChatTransport({ fetch }) });
  await chat.sendMessage({ text: "a page" });
  for (let part; (part = chat.pending()); ) await chat.settle(part, answers[sent.length - 1]);
  return { message: chat.lastMessage, messages: chat.messages.length, sent, error: chat.error?.message ?? null };
}

async function readAgUi({ bodies, answers, chunk, messages, runId }) {
  let number = 0;
  const fetch = async () => answer(bodies[number], chunk);
  const agent = new HttpAgent({ url: "http://x/agui", threadId: "t1", fetch });
  agent.setMessages(messages ?? [{ id: "u1", role: "user", content: "a page" }]);
  let error = null;
  let finished = null;
  const custom = [];
  for (; number < bodies.length; number++) {
    const payload = { approved: answers?.[number - 1]?.approved };
    const resume = agent.pendingInterrupts.map(({ id }) => ({ interruptId: id, status: "resolved", payload }));
    await agent
      .runAgent({ runId: `${runId ?? "r"}${number}`, ...(number && { resume }) }, {
        onRunErrorEvent: ({ event }) => void (error = event.message),
        onRunFinishedEvent: ({ event }) => void (finished = event),
        onCustomEvent: ({ event }) => void custom.push(event),
      })
      .catch((cause) => (error = cause.message));
  }
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
for (const { client, body, ...rest } of JSON.parse(Buffer.concat(input).toString())) {
  const ai = client === "ai7" ? ai7 : ai6;
  if (client === "ag-ui") results.push(await readAgUi({ bodies: [body], ...rest }));
  else results.push(await (rest.bodies ? readChat(ai, rest) : readUiMessage(ai, body, rest.chunk)));
}
console.log(JSON.stringify(results));
