// Chats as useChat does, in Node, and answers what is asked: `node approve.mjs <url> <6|7> <prompt> '<answers as JSON>'`.
import * as ai7 from "ai";
import * as ai6 from "ai6";
import { makeChat } from "./chat.mjs";

const [url, version, prompt, answers] = process.argv.slice(2);
const ai = version === "6" ? ai6 : ai7;
const headers = { "X-AI-SDK": version };
const chat = makeChat(ai, { transport: new ai.DefaultChatTransport({ api: `${url}/api/chat`, headers }) });
await chat.sendMessage({ text: prompt });
const asked = [];
for (const answer of JSON.parse(answers)) {
  const part = chat.pending();
  asked.push(part.input);
  await chat.settle(part, answer);
}
const { id, status, messages, lastMessage: message } = chat;
await chat.resumeStream(); // as a page that is loaded again
console.log(JSON.stringify({ id, status, asked, message, messages: messages.length, reloaded: chat.lastMessage }));
