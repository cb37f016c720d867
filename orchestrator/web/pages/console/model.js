// A run as the console shows it, from its events: steps with their attempts, and what was said and done in them.
import { bytes } from "./dom.js";

/** Requests and messages speak in their own name, in the middle of a step. */
const STEP = /^(?!request$|message_)./;

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
    this.end = null;
    this.began = null;
    this.latest = null;
    this.byCall = new Map();
    this.byApproval = new Map();
  }

  /** The state that a run's end or its last event shows. */
  get state() {
    if (!this.began) return "";
    if (this.end) return this.end.type === "complete" ? (this.end.data.outcome ?? "complete") : (this.end.code ?? "failed");
    if ([...this.byApproval.values()].some((item) => item.allow === null && !item.undone)) return "waiting";
    return this.steps.size ? "running" : "queued";
  }

  add(event) {
    this.events.push(event);
    if (event.type === "gap") {
      return void this.put({ kind: "note", text: `Events ${event.data.fromId} to ${event.data.toId} are no longer stored`, ids: [0, 0] });
    }
    if (!this.began) this.began = this.idleFrom = event.timestamp;
    this.latest = event.timestamp;
    if (event.type === "rollback") this.rollBack(event);
    else if (STEP.test(event.step ?? "")) this.touch(event);
    (HANDLERS[event.type] ?? (() => {}))(this, event);
  }

  /** The attempt that an event belongs to is alive; the step before it is over. */
  touch(event) {
    let step = this.steps.get(event.step);
    if (!step) {
      this.finishRunning(event.timestamp);
      step = { name: event.step, attempts: [], waitsFrom: this.idleFrom };
      this.steps.set(event.step, step);
    }
    let attempt = step.attempts.at(-1);
    if (!attempt || attempt.number < event.attempt) {
      if (attempt?.to === null) Object.assign(attempt, { state: "interrupted", to: attempt.latest });
      const isWait = event.type === "status" && attempt?.state === "undone";
      if (isWait) return void Object.assign(attempt, { why: event.data, to: event.timestamp });
      attempt = { number: event.attempt, from: event.timestamp, to: null, latest: event.timestamp, state: "running", why: "" };
      step.attempts.push(attempt);
      this.idleFrom = null;
    }
    attempt.latest = event.timestamp;
  }

  finishRunning(to, state = "done") {
    for (const { attempts } of this.steps.values()) if (attempts.at(-1).to === null) Object.assign(attempts.at(-1), { state, to });
  }

  /** It stood still since the last step spoke, and goes on now, maybe elsewhere. */
  moved({ timestamp, data }) {
    this.markers.push({ at: timestamp, text: data });
    const attempt = [...this.steps.values()].at(-1)?.attempts.at(-1);
    if (!attempt) return;
    this.finishRunning(attempt.latest);
    this.idleFrom = attempt.to;
  }

  /** What the latest attempt of an event's step does. */
  mark(event, state) {
    const attempt = this.steps.get(event.step)?.attempts.at(-1);
    if (attempt?.to === null) attempt.state = state;
  }

  rollBack({ data, timestamp }) {
    for (const item of this.items.toReversed()) {
      if (item.step === data.step && item.ids[0] >= data.fromId && item.ids[0] <= data.toId) {
        this.change(item, { undone: true });
        item.undo?.();
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
    if (event.step === "request" && event.id > 1) model.moved(event);
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
  "tool-result": (model, event) => model.change(model.byCall.get(event.data.callId), { result: event.data }),
  "approval-request"(model, event) {
    model.byApproval.set(event.data.approvalId, model.make("approval", event, { ...event.data, allow: null, reason: null }));
    model.mark(event, "waiting");
  },
  "approval-answer"(model, event) {
    model.change(model.byApproval.get(event.data.approvalId), { allow: event.data.allow, reason: event.data.reason });
    model.mark(event, "running");
  },
  "file-created": (model, event) => changed(model, event, "created"),
  "file-updated": (model, event) => changed(model, event, "updated"),
  "file-deleted": (model, event) => changed(model, { ...event, data: { ...event.data, content: "", size: 0, isDeleted: true } }, "deleted"),
  files: (model, event) => takeFiles(model, event.data),
  complete(model, event) {
    takeFiles(model, event.data.files ?? {});
    finish(model, event);
  },
  error: finish,
};

function changed(model, event, verb) {
  const { path, ...file } = event.data;
  const before = model.files.get(path);
  model.files.set(path, file);
  const undo = () => (before ? model.files.set(path, before) : model.files.delete(path));
  note(model, event, `${path} ${verb}${file.isDeleted ? "" : `, ${bytes(file.size)}`}`, { path, undo });
}

function takeFiles(model, files) {
  for (const [path, content] of Object.entries(files)) {
    const known = model.files.get(path);
    if (!known || known.truncated) model.files.set(path, { ...known, content, truncated: false, size: new Blob([content]).size });
  }
}

function finish(model, event) {
  model.end = event;
  model.finishRunning(event.timestamp, event.type === "error" ? model.state : "done");
}
