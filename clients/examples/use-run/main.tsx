// Our own client's hook: the whole state of a run, over kills, with what was rolled back gone.
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { type Run, Runwire } from "runwire-client";
import { useRun } from "runwire-client/react";

const client = new Runwire();

function Page() {
  const [run, setRun] = useState<Run | null>(null);
  const { state, isLive, error } = useRun(run);
  const start = async (form: FormData) => {
    setRun(await client.start({ projectId: crypto.randomUUID(), value: String(form.get("value")) }));
  };

  return (
    <main data-run={run?.runId} data-live={isLive}>
      <form action={start}>
        <input name="value" defaultValue="a tip calculator" />
        <button>Build</button>
        <button type="button" id="cancel" onClick={() => void run?.cancel()}>Cancel</button>
      </form>
      <p>{state.status}</p>
      <pre id="text">{state.text}</pre>
      <ol>{state.tools.map((tool) => <li key={tool.callId} data-state={tool.state}>{tool.tool}: {tool.note}</li>)}</ol>
      <ul id="files">{Object.keys(state.files).map((path) => <li key={path}>{path}</li>)}</ul>
      <p id="end">{state.end && (state.end.type === "complete" ? state.end.summary : `${state.end.code}: ${state.end.error}`)}</p>
      {error ? <p id="error">{String(error)}</p> : null}
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<Page />);
