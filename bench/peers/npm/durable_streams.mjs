// Durable Streams' own server, as its README starts it, with streams in its memory: its fastest form.
import { DurableStreamTestServer } from "@durable-streams/server";

const [, , port] = process.argv;
await new DurableStreamTestServer({ port: Number(port), host: "127.0.0.1", compression: false }).start();
