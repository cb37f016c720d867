// AG-UI's own client. After a broken connection the same run id attaches again, and a snapshot puts everything right.
import { HttpAgent, type Message } from "@ag-ui/client";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const agent = new HttpAgent({ url: "/agui", threadId: crypto.randomUUID() });

function Page() {
  const [messages, setMessages] = useState<Message[]>([]);
  const [end, setEnd] = useState("");
  const [runId, setRunId] = useState("");

  async function send(form: FormData) {
    const runId = crypto.randomUUID();
    setRunId(runId);
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content: String(form.get("value")) });
    let ended = "";
    while (!ended) {
      await agent
        .runAgent({ runId }, {
          onMessagesChanged: ({ messages }) => setMessages(structuredClone(messages)),
          onRunFinishedEvent: ({ event }) => void (ended = event.result.summary),
          onRunErrorEvent: ({ event }) => void (event.code !== "disconnected" && (ended = `${event.code}: ${event.message}`)),
        })
        .catch(() => new Promise((resolve) => setTimeout(resolve, 500)));
    }
    setEnd(ended);
  }

  return (
    <main data-run={runId}>
      <form onSubmit={(submit) => (submit.preventDefault(), void send(new FormData(submit.currentTarget)))}>
        <input name="value" defaultValue="a tip calculator" />
        <button>Send</button>
        <button type="button" id="cancel" onClick={() => void fetch(`/agent/run/${runId}/cancel`, { method: "POST" })}>Cancel</button>
      </form>
      {messages.map((message) => (
        <article key={message.id} data-role={message.role}>
          {"toolCalls" in message && message.toolCalls?.map((call) => <pre key={call.id}>{call.function.name}</pre>)}
          {message.role === "assistant" && <span className="text">{message.content}</span>}
        </article>
      ))}
      <p id="end">{end}</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
