/** Start, watch, fold, cancel, steer and approve runs. See docs/frontends.md. */
import type { RunwireEvent } from "./events.js";

export type * from "./events.js";

const RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
/** The service speaks every 15 s; a connection that is silent for longer than this is dead. */
const SILENCE_MS = 45_000;
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);
const JSON_TYPE = { "content-type": "application/json", accept: "application/json" };

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
  /** What happens while another run of the project is unfinished; by default this one waits for its turn. */
  onConflict?: "queue" | "reject" | "cancel";
}

/** The service said no. `isTemporary`: the same request may work later. */
export class RunwireError extends Error {
  constructor(readonly status: number, message: string, readonly details?: unknown) {
    super(message);
  }
  get isTemporary(): boolean {
    return TEMPORARY.has(this.status);
  }
}

export class Runwire {
  private token?: string;
  constructor(private readonly options: ClientOptions = {}) {}

  /** Start a run. Sent again over broken connections; the key makes sure that it starts once. */
  async start(prompt: Prompt, { key = newKey(), signal }: { key?: string; signal?: AbortSignal } = {}): Promise<Run> {
    const init = { method: "POST", body: JSON.stringify(prompt), headers: { ...JSON_TYPE, "idempotency-key": key }, signal };
    for (let failures = 0; ; failures++) {
      try {
        return this.run(((await (await this.request("/agent/run", init)).json()) as { runId: string }).runId);
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
    const { url = "", token, fetch: send = fetch } = this.options;
    for (let isAgain = false; ; isAgain = true) {
      if (isAgain || this.token === undefined) this.token = await (typeof token === "function" ? token() : token);
      const authorization = this.token && { authorization: `Bearer ${this.token}` };
      const response = await send(url + path, { ...init, headers: { ...init.headers, ...authorization } as HeadersInit });
      if (response.ok) return response;
      if (response.status === 401 && typeof token === "function" && !isAgain) continue;
      const said = (await response.json().catch(() => ({}))) as { error?: string; details?: unknown };
      throw new RunwireError(response.status, said.error ?? `The service answered ${response.status}`, said.details);
    }
  }
}

export class Run {
  constructor(private readonly client: Runwire, readonly runId: string) {}

  /** The events after the id `after`, each once and in order, over any broken connection, up to the terminal one. */
  async *watch({ after = 0, signal }: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<RunwireEvent> {
    for (let failures = 0; ; failures++) {
      let cause: unknown;
      try {
        const headers = { accept: "text/event-stream", ...(after && { "last-event-id": String(after) }) };
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
          if (event.type === "complete" || event.type === "error") return;
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
    await this.post("/cancel", {});
  }
  /** Add the user's words before the next model call. */
  async steer(value: string): Promise<void> {
    await this.post("/messages", { value });
  }
  async approve(approvalId: string, allow: boolean, reason?: string): Promise<void> {
    await this.post(`/approvals/${encodeURIComponent(approvalId)}`, { allow, reason });
  }

  private post(path: string, body: object): Promise<Response> {
    return this.request(path, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) });
  }
  private request(path: string, init?: RequestInit): Promise<Response> {
    return this.client.request(`/agent/run/${encodeURIComponent(this.runId)}${path}`, init);
  }
}

type Of<Type> = Extract<RunwireEvent, { type: Type }>;

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
  progress: Of<"progress">["data"] | null;
  status: string | null;
  approvals: Record<string, { callId: string; allow: boolean | null }>;
  gaps: { fromId: number; toId: number }[];
  end: ({ type: "complete"; summary: string; outcome?: string | null } | { type: "error"; error: string; code?: string }) & Record<string, unknown> | null;
}

const EMPTY: RunState = { text: "", reasoning: "", messages: [], tools: [], files: {}, progress: null, status: null, approvals: {}, gaps: [], end: null };

/** A run as a page shows it. What was rolled back is gone, as if it had never been. */
export class Fold {
  state = EMPTY;
  private kept: RunwireEvent[] = [];

  add(event: RunwireEvent): RunState {
    if (event.type !== "rollback") {
      this.kept.push(event);
      return (this.state = changed(this.state, event));
    }
    const { step, fromId, toId } = event.data;
    this.kept = this.kept.filter((old) => !(old.step === step && old.id >= fromId && old.id <= toId));
    return (this.state = this.kept.reduce(changed, EMPTY));
  }
}

export function fold(events: Iterable<RunwireEvent>): RunState {
  const folded = new Fold();
  for (const event of events) folded.add(event);
  return folded.state;
}

function changed(state: RunState, event: RunwireEvent): RunState {
  return { ...state, ...CHANGES[event.type]?.(state, event as never) };
}

const CHANGES: { [Type in RunwireEvent["type"]]?: (state: RunState, event: Of<Type>) => Partial<RunState> } = {
  text: ({ text }, { data }) => ({ text: text + data }),
  reasoning: ({ reasoning }, { data }) => ({ reasoning: reasoning + data }),
  status: (_, { data }) => ({ status: data }),
  progress: (_, { data }) => ({ progress: data }),
  "user-message": ({ messages }, { data }) => ({ messages: [...messages, data.value] }),
  "tool-call": ({ tools }, { data: { callId, tool, args } }) => ({
    tools: [...tools, { callId, tool, args, stdout: "", stderr: "", state: "running", note: null, elapsed: null }],
  }),
  "tool-output": (state, { data: { callId, source, chunk } }) => changeTool(state, callId, (tool) => ({ [source]: tool[source] + chunk })),
  "tool-result": (state, { data: { callId, ok, note, elapsed } }) => changeTool(state, callId, () => ({ state: ok ? "done" : "failed", note, elapsed })),
  "file-created": takeFile,
  "file-updated": takeFile,
  "file-deleted": ({ files }, { data }) => ({ files: Object.fromEntries(Object.entries(files).filter(([path]) => path !== data.path)) }),
  files: ({ files }, { data, truncated }) => ({ files: allFiles(files, data, truncated) }),
  "approval-request": ({ approvals }, { data: { approvalId, callId } }) => ({ approvals: { ...approvals, [approvalId]: { callId, allow: null } } }),
  "approval-answer": ({ approvals }, { data: { approvalId, allow } }) => {
    const asked = approvals[approvalId];
    return asked ? { approvals: { ...approvals, [approvalId]: { ...asked, allow } } } : {};
  },
  gap: ({ gaps }, { data }) => ({ gaps: [...gaps, data] }),
  complete: (state, { data: { files, ...rest }, truncated }) => ({ files: allFiles(state.files, files, truncated), tools: stopped(state), end: { type: "complete", ...rest } }),
  error: (state, { data, code, receipt }) => ({ tools: stopped(state), end: { type: "error", error: data, ...(code && { code }), ...(receipt && { receipt }) } }),
};

/** The call itself may have been trimmed from the log: then there is nothing to change. */
function changeTool({ tools }: RunState, callId: string, change: (tool: ToolState) => Partial<ToolState>): Partial<RunState> {
  return { tools: tools.map((tool) => (tool.callId === callId ? { ...tool, ...change(tool) } : tool)) };
}

function stopped({ tools }: RunState): ToolState[] {
  return tools.map((tool) => (tool.state === "running" ? { ...tool, state: "stopped" } : tool));
}

function takeFile({ files }: RunState, { data: { path, ...file } }: Of<"file-created" | "file-updated">): Partial<RunState> {
  return { files: { ...files, [path]: file } };
}

function allFiles(files: RunState["files"], contents: Record<string, string>, truncated?: boolean): RunState["files"] {
  const isNew = ([path, content]: [string, string]) => !Object.hasOwn(files, path) || (files[path]!.content !== content && !truncated);
  return { ...files, ...Object.fromEntries(Object.entries(contents).filter(isNew).map(([path, content]) => [path, { content }])) };
}

/** The `data` of each frame. Lines end in CR, LF or CRLF and nothing else; a frame that was cut is dropped. */
async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let buffer = "";
  let data: string[] = [];
  try {
    for (let read; !(read = await within(SILENCE_MS, reader.read())).done; ) {
      const lines = (buffer + read.value).split(/\r\n|\n|\r(?!$)/);
      buffer = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
        else if (line === "" && data.length) yield data.splice(0).join("\n");
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** Browsers keep crypto.randomUUID from pages that came over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
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
