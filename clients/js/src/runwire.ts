/** Start, watch, fold, cancel, steer and approve runs. See docs/frontends.md. */
import type { RunwireEvent } from "./events.js";

export type * from "./events.js";

const RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
/** The service speaks every 15 s; a connection that is silent for longer than this is dead. */
const SILENCE_MS = 45_000;
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface ClientOptions {
  /** Where the service is; by default where the page came from. */
  url?: string;
  /** A token or a key, or a function that gets one; it is asked again when the last one is refused. */
  token?: string | (() => string | Promise<string>);
  fetch?: typeof fetch;
}

export interface Prompt {
  projectId: string;
  value: string;
  model?: string;
}

/** The service said no. `isTemporary`: the same request may work later. */
export class RunwireError extends Error {
  readonly isTemporary: boolean;
  constructor(readonly status: number, message: string, readonly details?: unknown) {
    super(message);
    this.isTemporary = TEMPORARY.has(status);
  }
}

export class Runwire {
  private token?: string;
  constructor(private readonly options: ClientOptions = {}) {}

  /** Start a run. Sent again over broken connections; the key makes sure that it starts once. */
  async start(prompt: Prompt, { key = crypto.randomUUID() as string, signal }: { key?: string; signal?: AbortSignal } = {}): Promise<Run> {
    const headers = { "content-type": "application/json", accept: "application/json", "idempotency-key": key };
    for (let failures = 0; ; failures++) {
      try {
        const response = await this.request("/agent/run", { method: "POST", body: JSON.stringify(prompt), headers, signal });
        return new Run(this, ((await response.json()) as { runId: string }).runId);
      } catch (error) {
        await pauseOrThrow(error, failures, signal);
      }
    }
  }

  run(runId: string): Run {
    return new Run(this, runId);
  }

  /** `fetch` with the token; a refused one is renewed once. Throws RunwireError. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const renew = async () => (this.token = await (typeof this.options.token === "function" ? this.options.token() : this.options.token));
    const send = () => {
      const authorization = this.token ? { authorization: `Bearer ${this.token}` } : {};
      return (this.options.fetch ?? fetch)((this.options.url ?? "") + path, { ...init, headers: { ...init.headers, ...authorization } as HeadersInit });
    };
    if (this.token === undefined) await renew();
    let response = await send();
    if (response.status === 401 && typeof this.options.token === "function") {
      await renew();
      response = await send();
    }
    if (response.ok) return response;
    const body = (await response.json().catch(() => ({}))) as { error?: string; details?: unknown };
    throw new RunwireError(response.status, body.error ?? `The service answered ${response.status}`, body.details);
  }
}

export class Run {
  constructor(private readonly client: Runwire, readonly runId: string) {}

  /** The events after the id `after`, each once and in order, over any broken connection, up to the terminal one. */
  async *watch({ after = 0, signal }: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<RunwireEvent> {
    for (let failures = 0; ; failures++) {
      let cause: unknown;
      try {
        const headers = { accept: "text/event-stream", ...(after ? { "last-event-id": String(after) } : {}) };
        const response = await this.request("/events", { headers, signal });
        if (response.status === 204) return;
        for await (const data of frames(response.body!)) {
          const event = JSON.parse(data) as RunwireEvent;
          if (event.type !== "gap") {
            if (event.id <= after) continue;
            after = event.id;
          }
          failures = 0;
          yield event;
          if (isTerminal(event)) return;
        }
      } catch (error) {
        cause = error;
      }
      await pauseOrThrow(cause, failures, signal);
    }
  }

  /** Watch and fold: the state after each event. */
  async *states(options: { signal?: AbortSignal } = {}): AsyncGenerator<RunState> {
    const fold = new Fold();
    for await (const event of this.watch(options)) yield fold.add(event);
  }

  async show(): Promise<Record<string, unknown>> {
    return (await this.request("")).json() as Promise<Record<string, unknown>>;
  }

  async cancel(): Promise<void> {
    await this.request("/cancel", { method: "POST" });
  }

  /** Add the user's words before the next model call. */
  async steer(value: string): Promise<void> {
    await this.post("/messages", { value });
  }

  async approve(approvalId: string, allow: boolean): Promise<void> {
    await this.post(`/approvals/${encodeURIComponent(approvalId)}`, { allow });
  }

  private post(path: string, body: unknown): Promise<Response> {
    return this.request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  }

  private request(path: string, init: RequestInit = {}): Promise<Response> {
    return this.client.request(`/agent/run/${encodeURIComponent(this.runId)}${path}`, init);
  }
}

export interface ToolState {
  callId: string;
  tool: string;
  args: Record<string, unknown>;
  stdout: string;
  stderr: string;
  state: "running" | "done" | "failed" | "stopped";
  note: string | null;
  elapsed: number | null;
}

export interface RunState {
  text: string;
  reasoning: string;
  messages: string[];
  tools: ToolState[];
  files: Record<string, { content: string; size?: number; truncated?: boolean; binary?: boolean }>;
  progress: Extract<RunwireEvent, { type: "progress" }>["data"] | null;
  status: string | null;
  approvals: Record<string, { callId: string; allow: boolean | null }>;
  gaps: { fromId: number; toId: number }[];
  end: ({ type: "complete"; summary: string; outcome?: string | null } | { type: "error"; error: string; code?: string }) & Record<string, unknown> | null;
}

/** A run as a page shows it. What was rolled back is gone, as if it had never been. */
export class Fold {
  state = empty();
  private kept: RunwireEvent[] = [];

  add(event: RunwireEvent): RunState {
    if (event.type === "rollback") {
      const { step, fromId, toId } = event.data;
      this.kept = this.kept.filter((old) => !(old.step === step && old.id >= fromId && old.id <= toId));
      this.state = empty();
      for (const old of this.kept) apply(this.state, old);
    } else {
      this.kept.push(event);
      apply(this.state, event);
    }
    return (this.state = { ...this.state });
  }
}

export function fold(events: Iterable<RunwireEvent>): RunState {
  const folded = new Fold();
  for (const event of events) folded.add(event);
  return folded.state;
}

function empty(): RunState {
  return { text: "", reasoning: "", messages: [], tools: [], files: {}, progress: null, status: null, approvals: {}, gaps: [], end: null };
}

function apply(state: RunState, event: RunwireEvent): void {
  switch (event.type) {
    case "text":
    case "reasoning": state[event.type] += event.data; break;
    case "status": state.status = event.data; break;
    case "progress": state.progress = event.data; break;
    case "user-message": state.messages = [...state.messages, event.data.value]; break;
    case "tool-call": {
      const { callId, tool, args } = event.data;
      state.tools = [...state.tools, { callId, tool, args, stdout: "", stderr: "", state: "running", note: null, elapsed: null }];
      break;
    }
    case "tool-output": changeTool(state, event.data.callId, (tool) => ({ [event.data.source]: tool[event.data.source] + event.data.chunk })); break;
    case "tool-result": {
      const { callId, ok, note, elapsed } = event.data;
      changeTool(state, callId, () => ({ state: ok ? "done" : "failed", note, elapsed }));
      break;
    }
    case "file-created":
    case "file-updated": {
      const { path, ...file } = event.data;
      state.files = { ...state.files, [path]: file };
      break;
    }
    case "file-deleted": state.files = Object.fromEntries(Object.entries(state.files).filter(([path]) => path !== event.data.path)); break;
    case "files": takeFiles(state, event.data, event.truncated); break;
    case "approval-request": state.approvals = { ...state.approvals, [event.data.approvalId]: { callId: event.data.callId, allow: null } }; break;
    case "approval-answer": {
      const asked = state.approvals[event.data.approvalId];
      if (asked) state.approvals = { ...state.approvals, [event.data.approvalId]: { ...asked, allow: event.data.allow } };
      break;
    }
    case "gap": state.gaps = [...state.gaps, event.data]; break;
    case "complete":
    case "error": end(state, event); break;
  }
}

function end(state: RunState, event: Extract<RunwireEvent, { type: "complete" | "error" }>): void {
  state.tools = state.tools.map((tool) => (tool.state === "running" ? { ...tool, state: "stopped" } : tool));
  if (event.type === "complete") {
    const { files, ...rest } = event.data;
    takeFiles(state, files, event.truncated);
    state.end = { type: "complete", ...rest };
  } else {
    const { code, receipt } = event;
    state.end = { type: "error", error: event.data, ...(code && { code }), ...(receipt && { receipt }) };
  }
}

/** The call itself may have been trimmed from the log: then there is nothing to change. */
function changeTool(state: RunState, callId: string, change: (tool: ToolState) => Partial<ToolState>): void {
  state.tools = state.tools.map((tool) => (tool.callId === callId ? { ...tool, ...change(tool) } : tool));
}

function takeFiles(state: RunState, files: Record<string, string>, truncated?: boolean): void {
  state.files = { ...state.files };
  for (const [path, content] of Object.entries(files)) {
    const known = state.files[path];
    if (!known || (known.content !== content && !truncated)) state.files[path] = { content };
  }
}

export function isTerminal(event: RunwireEvent): boolean {
  return event.type === "complete" || event.type === "error";
}

/** The `data` of each frame. Lines end in CR, LF or CRLF and nothing else; a frame that was cut is dropped. */
async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let buffer = "";
  let data: string[] = [];
  try {
    while (true) {
      const { value, done } = await within(SILENCE_MS, reader.read());
      if (done) return;
      const lines = (buffer + value).split(/\r\n|\n|\r(?!$)/);
      buffer = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
        else if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("The connection is silent")), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Wait before the next try, or throw what no other try can mend. */
async function pauseOrThrow(error: unknown, failures: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || (error instanceof RunwireError && !error.isTemporary)) throw error ?? signal?.reason;
  const ms = Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, ms));
}
