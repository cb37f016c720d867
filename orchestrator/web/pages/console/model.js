// A run as the console shows it, from its events: steps with their attempts, and what was said and done in them.

const NOT_STEPS = new Set(["", "request", "user"]);

/** Items of the transcript in the order in which they began; `changed`: those to be drawn again. What was taken back stays, marked. */
export class RunModel {
  constructor() {
    this.steps = new Map();
    this.items = [];
    this.changed = new Set();
    this.events = [];
    this.files = new Map();
    this.markers = [];
    this.progress = null;
    this.budget = null;
    this.status = "";
    this.end = null;
    this.began = null;
    this.latest = null;
    this.byCall = new Map();
    this.byApproval = new Map();
  }

  /** The state that a run's end or its last event shows. */
  get state() {
    if (this.end) return this.end.type === "complete" ? (this.end.data.outcome ?? "complete") : (this.end.code ?? "failed");
    if ([...this.byApproval.values()].some((item) => item.allow === null && !item.undone)) return "waiting";
    return this.steps.size ? "running" : "queued";
  }

  add(event) {
    this.events.push(event);
    if (event.type === "gap") {
      this.put({ kind: "note", text: `Events ${event.data.fromId} to ${event.data.toId} are no longer stored`, ids: [0, 0] });
      return;
    }
    this.began ??= event.timestamp;
    this.latest = event.timestamp;
    if (event.type === "rollback") this.rollBack(event);
    else if (!NOT_STEPS.has(event.step)) this.touch(event);
    (HANDLERS[event.type] ?? (() => {}))(this, event);
  }

  /** The attempt that an event belongs to is alive; the step before it is over. */
  touch(event) {
    let step = this.steps.get(event.step);
    if (!step) {
      this.finishRunning(event.timestamp);
      step = { name: event.step, kind: event.step.replace(/[-\d]+$/, ""), attempts: [] };
      this.steps.set(event.step, step);
    }
    let attempt = step.attempts.at(-1);
    if (!attempt || attempt.number < event.attempt) {
      if (attempt && attempt.state === "running") Object.assign(attempt, { state: "interrupted", to: attempt.latest });
      const isWait = event.type === "status" && attempt && attempt.state === "undone";
      if (isWait) {
        attempt.why = event.data;
        return;
      }
      attempt = { number: event.attempt, from: event.timestamp, to: null, latest: event.timestamp, state: "running", why: "" };
      step.attempts.push(attempt);
    }
    attempt.latest = event.timestamp;
  }

  finishRunning(at) {
    for (const step of this.steps.values()) {
      const attempt = step.attempts.at(-1);
      if (attempt?.state === "running") Object.assign(attempt, { state: "done", to: at });
    }
  }

  rollBack({ data, timestamp }) {
    for (const item of this.items) {
      if (item.step === data.step && item.ids[0] >= data.fromId && item.ids[0] <= data.toId) {
        item.undone = true;
        this.changed.add(item);
      }
    }
    const attempt = this.steps.get(data.step)?.attempts.find((one) => one.number === data.attempt);
    if (attempt) Object.assign(attempt, { state: "undone", to: attempt.to ?? attempt.latest, why: data.reason });
    this.put({ kind: "note", text: `Taken back: ${data.step}. ${data.reason}`, ids: [0, 0] });
    this.markers.push({ at: timestamp, text: `Rollback of ${data.step}: ${data.reason}` });
  }

  put(item) {
    this.items.push(item);
    this.changed.add(item);
    return item;
  }

  /** A new item of an event. */
  make(kind, event, fields) {
    return this.put({ kind, step: event.step, attempt: event.attempt, ids: [event.id, event.id], ...fields });
  }

  /** Say more in the last item, where it is of that kind, step and attempt; else in a new one. */
  say(kind, event) {
    const last = this.items.at(-1);
    const goesOn = last?.kind === kind && last.step === event.step && !last.undone && last.attempt === event.attempt;
    const item = goesOn ? last : this.make(kind, event, { text: "" });
    item.ids[1] = event.id;
    item.text += event.data;
    this.changed.add(item);
  }

  change(item, fields) {
    if (!item) return;
    Object.assign(item, fields);
    this.changed.add(item);
  }
}

const note = (model, event, text, more = {}) => model.make("note", event, { text, ...more });

const HANDLERS = {
  status(model, event) {
    model.status = event.data;
    if (event.step === "request" && event.id > 1) model.markers.push({ at: event.timestamp, text: event.data });
    note(model, event, event.data);
  },
  text: (model, event) => model.say("text", event),
  reasoning: (model, event) => model.say("reasoning", event),
  progress: (model, event) => { model.progress = event.data; },
  "time-budget": (model, event) => { model.budget = { ...event.data, at: event.timestamp }; },
  "user-message": (model, event) => model.make("user", event, { text: event.data.value }),
  "tool-call"(model, event) {
    const item = model.byCall.get(event.data.callId);
    if (item && !item.undone) return; // published before it was asked for
    model.byCall.set(event.data.callId, model.make("tool", event, { ...event.data, stdout: "", stderr: "", result: null }));
  },
  "tool-output"(model, event) {
    const item = model.byCall.get(event.data.callId);
    model.change(item, { [event.data.source]: item?.[event.data.source] + event.data.chunk });
  },
  "tool-result"(model, event) {
    model.change(model.byCall.get(event.data.callId), { result: event.data });
  },
  "approval-request"(model, event) {
    model.byApproval.set(event.data.approvalId, model.make("approval", event, { ...event.data, allow: null, reason: null }));
  },
  "approval-answer"(model, event) {
    model.change(model.byApproval.get(event.data.approvalId), { allow: event.data.allow, reason: event.data.reason });
  },
  "file-created": (model, event) => changed(model, event, "created"),
  "file-updated": (model, event) => changed(model, event, "updated"),
  "file-deleted"(model, event) {
    model.files.delete(event.data.path);
    note(model, event, `${event.data.path} deleted`);
  },
  files: (model, event) => takeFiles(model, event.data),
  complete(model, event) {
    takeFiles(model, event.data.files ?? {});
    finish(model, event);
  },
  error: finish,
};

function changed(model, event, verb) {
  const { path, content, size } = event.data;
  const before = model.files.get(path);
  model.files.set(path, { content, size, truncated: event.data.truncated, binary: event.data.binary, before: before ? before.content : "" });
  note(model, event, `${path} ${verb}, ${size ?? content.length} bytes`, { path });
}

function takeFiles(model, files) {
  for (const [path, content] of Object.entries(files)) {
    const known = model.files.get(path);
    if (!known || known.truncated) model.files.set(path, { ...known, content, truncated: false, size: content.length, before: known?.before ?? "" });
  }
}

function finish(model, event) {
  model.end = event;
  model.finishRunning(event.timestamp);
}
