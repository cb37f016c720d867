const RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
/** The service speaks every 15 s; a connection that is silent for longer than this is dead. */
const SILENCE_MS = 45_000;
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);
/** The service said no. `isTemporary`: the same request may work later. */
export class RunwireError extends Error {
    status;
    details;
    isTemporary;
    constructor(status, message, details) {
        super(message);
        this.status = status;
        this.details = details;
        this.isTemporary = TEMPORARY.has(status);
    }
}
export class Runwire {
    options;
    token;
    constructor(options = {}) {
        this.options = options;
    }
    /** Start a run. Sent again over broken connections; the key makes sure that it starts once. */
    async start(prompt, { key = crypto.randomUUID(), signal } = {}) {
        const headers = { "content-type": "application/json", accept: "application/json", "idempotency-key": key };
        for (let failures = 0;; failures++) {
            try {
                const response = await this.request("/agent/run", { method: "POST", body: JSON.stringify(prompt), headers, signal });
                return new Run(this, (await response.json()).runId);
            }
            catch (error) {
                await pauseOrThrow(error, failures, signal);
            }
        }
    }
    run(runId) {
        return new Run(this, runId);
    }
    /** `fetch` with the token; a refused one is renewed once. Throws RunwireError. */
    async request(path, init = {}) {
        const renew = async () => (this.token = await (typeof this.options.token === "function" ? this.options.token() : this.options.token));
        const send = () => {
            const authorization = this.token ? { authorization: `Bearer ${this.token}` } : {};
            return (this.options.fetch ?? fetch)((this.options.url ?? "") + path, { ...init, headers: { ...init.headers, ...authorization } });
        };
        if (this.token === undefined)
            await renew();
        let response = await send();
        if (response.status === 401 && typeof this.options.token === "function") {
            await renew();
            response = await send();
        }
        if (response.ok)
            return response;
        const body = (await response.json().catch(() => ({})));
        throw new RunwireError(response.status, body.error ?? `The service answered ${response.status}`, body.details);
    }
}
export class Run {
    client;
    runId;
    constructor(client, runId) {
        this.client = client;
        this.runId = runId;
    }
    /** The events after the id `after`, each once and in order, over any broken connection, up to the terminal one. */
    async *watch({ after = 0, signal } = {}) {
        for (let failures = 0;; failures++) {
            let cause;
            try {
                const headers = { accept: "text/event-stream", ...(after ? { "last-event-id": String(after) } : {}) };
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
                    if (isTerminal(event))
                        return;
                }
            }
            catch (error) {
                cause = error;
            }
            await pauseOrThrow(cause, failures, signal);
        }
    }
    /** Watch and fold: the state after each event. */
    async *states(options = {}) {
        const fold = new Fold();
        for await (const event of this.watch(options))
            yield fold.add(event);
    }
    async show() {
        return (await this.request("")).json();
    }
    async cancel() {
        await this.request("/cancel", { method: "POST" });
    }
    /** Add the user's words before the next model call. */
    async steer(value) {
        await this.post("/messages", { value });
    }
    async approve(approvalId, allow) {
        await this.post(`/approvals/${encodeURIComponent(approvalId)}`, { allow });
    }
    post(path, body) {
        return this.request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    }
    request(path, init = {}) {
        return this.client.request(`/agent/run/${encodeURIComponent(this.runId)}${path}`, init);
    }
}
/** A run as a page shows it. What was rolled back is gone, as if it had never been. */
export class Fold {
    state = empty();
    kept = [];
    add(event) {
        if (event.type === "rollback") {
            const { step, fromId, toId } = event.data;
            this.kept = this.kept.filter((old) => !(old.step === step && old.id >= fromId && old.id <= toId));
            this.state = empty();
            for (const old of this.kept)
                apply(this.state, old);
        }
        else {
            this.kept.push(event);
            apply(this.state, event);
        }
        return (this.state = { ...this.state });
    }
}
export function fold(events) {
    const folded = new Fold();
    for (const event of events)
        folded.add(event);
    return folded.state;
}
function empty() {
    return { text: "", reasoning: "", messages: [], tools: [], files: {}, progress: null, status: null, approvals: {}, gaps: [], end: null };
}
function apply(state, event) {
    switch (event.type) {
        case "text":
        case "reasoning":
            state[event.type] += event.data;
            break;
        case "status":
            state.status = event.data;
            break;
        case "progress":
            state.progress = event.data;
            break;
        case "user-message":
            state.messages = [...state.messages, event.data.value];
            break;
        case "tool-call": {
            const { callId, tool, args } = event.data;
            state.tools = [...state.tools, { callId, tool, args, stdout: "", stderr: "", state: "running", note: null, elapsed: null }];
            break;
        }
        case "tool-output":
            changeTool(state, event.data.callId, (tool) => ({ [event.data.source]: tool[event.data.source] + event.data.chunk }));
            break;
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
        case "file-deleted":
            state.files = Object.fromEntries(Object.entries(state.files).filter(([path]) => path !== event.data.path));
            break;
        case "files":
            takeFiles(state, event.data, event.truncated);
            break;
        case "approval-request":
            state.approvals = { ...state.approvals, [event.data.approvalId]: { callId: event.data.callId, allow: null } };
            break;
        case "approval-answer": {
            const asked = state.approvals[event.data.approvalId];
            if (asked)
                state.approvals = { ...state.approvals, [event.data.approvalId]: { ...asked, allow: event.data.allow } };
            break;
        }
        case "gap":
            state.gaps = [...state.gaps, event.data];
            break;
        case "complete":
        case "error":
            end(state, event);
            break;
    }
}
function end(state, event) {
    state.tools = state.tools.map((tool) => (tool.state === "running" ? { ...tool, state: "stopped" } : tool));
    if (event.type === "complete") {
        const { files, ...rest } = event.data;
        takeFiles(state, files, event.truncated);
        state.end = { type: "complete", ...rest };
    }
    else {
        const { code, receipt } = event;
        state.end = { type: "error", error: event.data, ...(code && { code }), ...(receipt && { receipt }) };
    }
}
/** The call itself may have been trimmed from the log: then there is nothing to change. */
function changeTool(state, callId, change) {
    state.tools = state.tools.map((tool) => (tool.callId === callId ? { ...tool, ...change(tool) } : tool));
}
function takeFiles(state, files, truncated) {
    state.files = { ...state.files };
    for (const [path, content] of Object.entries(files)) {
        const known = state.files[path];
        if (!known || (known.content !== content && !truncated))
            state.files[path] = { content };
    }
}
export function isTerminal(event) {
    return event.type === "complete" || event.type === "error";
}
/** The `data` of each frame. Lines end in CR, LF or CRLF and nothing else; a frame that was cut is dropped. */
async function* frames(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    let data = [];
    try {
        while (true) {
            const { value, done } = await within(SILENCE_MS, reader.read());
            if (done)
                return;
            const lines = (buffer + value).split(/\r\n|\n|\r(?!$)/);
            buffer = lines.pop();
            for (const line of lines) {
                if (line.startsWith("data:"))
                    data.push(line.slice(line[5] === " " ? 6 : 5));
                else if (line === "" && data.length) {
                    yield data.join("\n");
                    data = [];
                }
            }
        }
    }
    finally {
        void reader.cancel().catch(() => { });
    }
}
async function within(ms, promise) {
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("The connection is silent")), ms)));
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
/** Wait before the next try, or throw what no other try can mend. */
async function pauseOrThrow(error, failures, signal) {
    if (signal?.aborted || (error instanceof RunwireError && !error.isTemporary))
        throw error ?? signal?.reason;
    const ms = Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, ms));
}
