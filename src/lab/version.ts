/** The package's version. */
import { readFile } from "#host";

/** As package.json has it, two folders above this file in the sources and in the package. */
export async function version(): Promise<string> {
  const url = new URL("../../package.json", import.meta.url);
  // `/C:/...` on Windows.
  const path = decodeURIComponent(url.pathname).replace(/^\/(?=[A-Za-z]:)/, "");
  const bytes = await readFile(path);
  const found: { version: string } = JSON.parse(new TextDecoder().decode(bytes));
  return found.version;
}
