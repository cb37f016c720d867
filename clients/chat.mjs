// useChat without React: the same Chat class of `ai`, for Node. It sends answers to approvals by itself.
export function makeChat(ai, options) {
  class Chat extends ai.AbstractChat {
    constructor() {
      super({
        ...options,
        state: new State(),
        sendAutomaticallyWhen: ai.lastAssistantMessageIsCompleteWithApprovalResponses,
      });
    }

    /** The part that waits for its user. */
    pending() {
      return this.status === "ready" ? this.lastMessage?.parts.find((part) => part.state === "approval-requested") : null;
    }

    /** Answer; resolves when all that came of it was read. */
    async settle(part, { approved, reason }) {
      await this.addToolApprovalResponse({ id: part.approval.id, approved, reason });
      do await new Promise((resolve) => setTimeout(resolve, 1));
      while (this.status === "submitted" || this.status === "streaming");
    }
  }
  return new Chat();
}

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage(message) {
    this.messages = [...this.messages, structuredClone(message)];
  }
  popMessage() {
    this.messages = this.messages.slice(0, -1);
  }
  replaceMessage(index, message) {
    this.messages = this.messages.with(index, structuredClone(message));
  }
  snapshot(thing) {
    return structuredClone(thing);
  }
}
