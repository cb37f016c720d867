// The AI SDK's useChat, unmodified. A broken connection is resumed; stop() alone would only stop watching.
import { useChat } from "@ai-sdk/react";
import { APICallError, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Chat({ id }: { id: string }) {
  const [progress, setProgress] = useState("");
  const { messages, sendMessage, addToolApprovalResponse, status, error, resumeStream } = useChat({
    id,
    resume: true,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    onData: (part) => part.type === "data-status" && setProgress(String(part.data)),
  });
  const last = messages.at(-1);
  const isRefused = APICallError.isInstance(error) && !error.isRetryable;
  const isOver = last?.role === "assistant" && !!(last.metadata as { end?: unknown } | undefined)?.end;
  useEffect(() => {
    if (status !== "error" || isRefused || isOver) return;
    const retry = setTimeout(() => void (last?.role === "user" ? sendMessage() : resumeStream()), 500);
    return () => clearTimeout(retry);
  }, [status, error]);

  return (
    <main data-status={status}>
      <form action={(form) => void sendMessage({ text: String(form.get("value")) })}>
        <input name="value" defaultValue="a tip calculator" />
        <button>Send</button>
        <button type="button" id="cancel" onClick={() => void fetch(`/api/chat/${id}/cancel`, { method: "POST" })}>Cancel</button>
      </form>
      <p id="progress">{progress}</p>
      {isRefused ? <p id="refused">{error.message}</p> : null}
      {messages.map((message) => (
        <article key={message.id} data-role={message.role} data-run={message.id}>
          {message.parts.map((part, number) => {
            if (part.type === "text") return <span key={number} className="text">{part.text}</span>;
            if (part.type === "dynamic-tool" && part.state === "approval-requested") {
              const answer = (approved: boolean) => void addToolApprovalResponse({ id: part.approval.id, approved });
              return (
                <p key={number}>
                  Allow {part.toolName} {JSON.stringify(part.input)}? <button onClick={() => answer(true)}>Yes</button>
                  <button onClick={() => answer(false)}>No</button>
                </p>
              );
            }
            if (part.type === "dynamic-tool") return <pre key={number} data-state={part.state}>{part.toolName}</pre>;
            if (part.type === "data-file") return <li key={number}>{(part.data as { path: string }).path}</li>;
          })}
          <output>{JSON.stringify((message.metadata as { end?: unknown } | undefined)?.end)}</output>
        </article>
      ))}
    </main>
  );
}

const chat = location.hash.slice(1) || crypto.randomUUID();
location.hash = chat;
createRoot(document.getElementById("root")!).render(<Chat id={chat} />);
