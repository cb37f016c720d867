const RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
const SILENCE_MS = 45_000;
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);
const JSON_TYPE = { "content-type": "application/json", accept: "application/json" };
export class RunwireError extends Error {
  status;
  details;
  constructor(status, message, details) {
    super(message);
    this.status = status;
    this.details = details;
  }
  get isTemporary() {
    return TEMPORARY.has(this.status);
  }
}
export class Runwire {
  options;
  token;
  constructor(options = {}) {
    this.options = options;
  }
  async start(prompt, { key = newKey(), signal } = {}) {
    const init = { method: "POST", body: JSON.stringify(prompt), headers: { ...JSON_TYPE, "idempotency-key": key }, signal };
    for (let failures = 0;; failures++) {
      try {
        return this.run((await (await this.request("/agent/run", init)).json()).runId);
      }
      catch (error) {
        await pauseOrThrow(error, failures, signal);
      }
    }
  }
  run(runId) {
    return new Run(this, runId);
  }
  async request(path, init = {}) {
    const { url = "", token, fetch: send = fetch } = this.options;
    for (let isAgain = false;; isAgain = true) {
      if (isAgain || this.token === undefined)
        this.token = await (typeof token === "function" ? token() : token);
      const authorization = this.token && { authorization: `Bearer ${this.token}` };
      const response = await send(url + path, { ...init, headers: { ...init.headers, ...authorization } });
      if (response.ok)
        return response;
      if (response.status === 401 && typeof token === "function" && !isAgain)
        continue;
      const said = (await response.json().catch(() => ({})));
      throw new RunwireError(response.status, said.error ?? `The service answered ${response.status}`, said.details);
    }
  }
}
export class Run {
  client;
  runId;
  constructor(client, runId) {
    this.client = client;
    this.runId = runId;
  }
  async *watch({ after = 0, signal } = {}) {
    for (let failures = 0;; failures++) {
      let cause;
      try {
        const headers = { accept: "text/event-stream", ...(after && { "last-event-id": String(after) }) };
        const response = await this.request("/events", { headers, signal });
        if (response.status === 204)
          return;
        for await (const data of frames(response.body)) {
          const event = JSON.parse(data);
          if (event.type !== "gap") {
            if (event.id <= after)
              continue;
            after = event.id;
          }
          failures = 0;
          yield event;
          if (event.type === "complete" || event.type === "error")
            return;
        }
      }
      catch (error) {
        cause = error;
      }
      await pauseOrThrow(cause, failures, signal);
    }
  }
  async *states(options = {}) {
    const fold = new Fold();
    for await (const event of this.watch(options))
      yield fold.add(event);
  }
  async show() {
    return (await this.request("")).json();
  }
  async cancel() {
    await this.post("/cancel", {});
  }
  async steer(value) {
    await this.post("/messages", { value });
  }
  async approve(approvalId, allow, reason) {
    await this.post(`/approvals/${encodeURIComponent(approvalId)}`, { allow, reason });
  }
  post(path, body) {
    return this.request(path, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) });
  }
  request(path, init) {
    return this.client.request(`/agent/run/${encodeURIComponent(this.runId)}${path}`, init);
  }
}
const EMPTY = { text: "", reasoning: "", messages: [], tools: [], files: {}, progress: null, status: null, approvals: {}, gaps: [], end: null };
export class Fold {
  state = EMPTY;
  kept = [];
  add(event) {
    if (event.type !== "rollback") {
      this.kept.push(event);
      return (this.state = changed(this.state, event));
    }
    const { step, fromId, toId } = event.data;
    this.kept = this.kept.filter((old) => !(old.step === step && old.id >= fromId && old.id <= toId));
    return (this.state = this.kept.reduce(changed, EMPTY));
  }
}
export function fold(events) {
  const folded = new Fold();
  for (const event of events)
    folded.add(event);
  return folded.state;
}
function changed(state, event) {
  return { ...state, ...CHANGES[event.type]?.(state, event) };
}
const CHANGES = {
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
function changeTool({ tools }, callId, change) {
  return { tools: tools.map((tool) => (tool.callId === callId ? { ...tool, ...change(tool) } : tool)) };
}
function stopped({ tools }) {
  return tools.map((tool) => (tool.state === "running" ? { ...tool, state: "stopped" } : tool));
}
function takeFile({ files }, { data: { path, ...file } }) {
  return { files: { ...files, [path]: file } };
}
function allFiles(files, contents, truncated) {
  const isNew = ([path, content]) => !Object.hasOwn(files, path) || (files[path].content !== content && !truncated);
  return { ...files, ...Object.fromEntries(Object.entries(contents).filter(isNew).map(([path, content]) => [path, { content }])) };
}
async function* frames(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  let data = [];
  try {
    for (let read; !(read = await within(SILENCE_MS, reader.read())).done;) {
      const lines = (buffer + read.value).split(/\r\n|\n|\r(?!$)/);
      buffer = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:"))
          data.push(line.slice(line[5] === " " ? 6 : 5));
        else if (line === "" && data.length)
          yield data.splice(0).join("\n");
      }
    }
  }
  finally {
    void reader.cancel().catch(() => { });
  }
}
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("The connection is silent")), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
async function pauseOrThrow(error, failures, signal) {
  if (signal?.aborted || (error instanceof RunwireError && !error.isTemporary))
    throw error ?? signal?.reason;
  const ms = Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, ms));
}
