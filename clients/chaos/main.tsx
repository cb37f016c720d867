// Many useChats in one page, one after another: `index.html?runs=100&seconds=60`. `shown` is what each ends with.
// A browser opens six connections to a host and no more: only so many chats go on at once.
import { useChat } from "@ai-sdk/react";
import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

const asked = new URLSearchParams(location.search);
const [runs, seconds] = [Number(asked.get("runs")), Number(asked.get("seconds"))];
const AT_ONCE = 5;
const results = { shown: [] as unknown[], reconnects: 0, allBegun: false, over: false };
Object.assign(window, { results });

function Chat({ id }: { id: string }) {
  const { messages, sendMessage, status, error, resumeStream } = useChat({ id });
  const begun = useRef(false);
  const answer = messages.findLast((message) => message.role === "assistant");
  const isOver = status !== "streaming" && status !== "submitted" && !!(answer?.metadata as { end?: unknown } | undefined)?.end;
  useEffect(() => {
    if (!begun.current) {
      begun.current = true;
      void sendMessage({ text: "a tip calculator" });
    }
  }, []);
  useEffect(() => {
    if (isOver) results.shown.push({ client: "useChat", runId: answer!.id, message: answer });
    if (isOver && results.shown.length === runs) results.over = true;
  }, [isOver]);
  useEffect(() => {
    if (status !== "error" || isOver) return;
    results.reconnects++;
    // Without an answer the message may never have arrived: sent again, it starts its run or attaches to it.
    const retry = setTimeout(() => void (answer ? resumeStream() : sendMessage()), 300);
    return () => clearTimeout(retry);
  }, [status, error]);
  return <p>{status}</p>;
}

function Page() {
  const [chats, setChats] = useState<string[]>([]);
  useEffect(() => {
    if ((results.allBegun = chats.length >= runs)) return;
    const began = Date.now();
    const next = setInterval(() => {
      if (Date.now() - began < (chats.length && (seconds * 1000) / runs)) return;
      if (chats.length - results.shown.length < AT_ONCE) setChats([...chats, crypto.randomUUID()]);
    }, 50);
    return () => clearInterval(next);
  }, [chats]);
  return chats.map((id) => <Chat key={id} id={id} />);
}

createRoot(document.getElementById("root")!).render(<Page />);
