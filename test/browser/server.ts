/** The pages of the browser's tests, on a server of their own. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What is answered at a path. */
export interface Answer {
  readonly type: "text/html" | "text/javascript";
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a server on a free port of this machine that knows these paths and no others. */
export async function serve(answers: Readonly<Record<string, Answer>>): Promise<Server> {
  const server = createServer(({ url = "" }, response) => {
    const { type, text, headers } = answers[url] ?? { type: "text/html", text: "" };
    const status = url in answers ? 200 : 404;
    response.writeHead(status, { ...headers, "content-type": `${type}; charset=utf-8` });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Ends a server with the connections that browsers keep open. */
export async function endServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
