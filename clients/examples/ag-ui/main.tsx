// AG-UI's own client. After a broken connection the same run id attaches again, and a snapshot puts everything right.
import { HttpAgent, type Interrupt, type Message, type ResumeEntry } from "@ag-ui/client";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const agent = new HttpAgent({ url: "/agui", threadId: crypto.randomUUID() });

function Page() {
  const [messages, setMessages] = useState<Message[]>([]);
  const [end, setEnd] = useState("");
  const [runId, setRunId] = useState("");

  const [asked, setAsked] = useState<Interrupt[]>([]);

  async function send(form: FormData) {
    const runId = crypto.randomUUID();
    setRunId(runId);
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content: String(form.get("value")) });
    await watch(runId);
  }

  async function watch(runId: string, resume?: ResumeEntry[]) {
    setAsked([]);
    for (let ended: string | null = null; ended === null; ) {
      await agent
        .runAgent({ runId, ...(resume && { resume }) }, {
          onMessagesChanged: ({ messages }) => setMessages(structuredClone(messages)),
          onRunFinishedEvent: ({ event }) => {
            if (event.outcome?.type === "interrupt") setAsked(event.outcome.interrupts);
            ended = event.result?.summary ?? "";
          },
          onRunErrorEvent: ({ event }) => void (event.code !== "disconnected" && (ended = `${event.code}: ${event.message}`)),
        })
        .catch(() => new Promise((resolve) => setTimeout(resolve, 500)));
      if (ended !== null) setEnd(ended);
    }
  }

  /** The answer is a request of its own; the service goes on with the run that has asked. */
  const answer = (approved: boolean) =>
    void watch(crypto.randomUUID(), asked.map(({ id }) => ({ interruptId: id, status: "resolved", payload: { approved } })));

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
      {asked.map(({ id, message }) => (
        <p key={id}>
          {message} <button onClick={() => answer(true)}>Yes</button>
          <button onClick={() => answer(false)}>No</button>
        </p>
      ))}
      <p id="end">{end}</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
