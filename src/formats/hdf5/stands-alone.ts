/** Whether a worker may load a file that a bundler made. */

/** Modules that a module imports from its start, as far as its text tells. */
export function staticImports(text: string): string[] {
  const statement =
    /(?:^|[;}\n])\s*(?:import|export)\s*(?:[\w$*{][^"'`();]*?\bfrom\s*)?["'`]([^"'`\n]+)["'`]/g;
  return [...text.matchAll(statement)].map(([, specifier]) => specifier);
}

/** Helpers of a bundler are this small, in characters. */
const mostHelper = 1000;

/**
 * Whether a bundler has left a module in a file of its own, with no more than small helpers beside it,
 * as esbuild does. Vite's files import the page's main file: a worker that loads one of them runs
 * the page's program.
 *
 * @param url of the module's file
 * @param load the text at a URL; rejects where there is none
 */
export async function standsAlone(
  url: string,
  load: (url: string) => Promise<string> = loadText,
): Promise<boolean> {
  try {
    for (const specifier of staticImports(await load(url))) {
      if (!/^[./]/.test(specifier)) return false; // A name that an import map of the page explains.
      const helper = await load(new URL(specifier, url).href);
      if (helper.length > mostHelper || staticImports(helper).length > 0) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function loadText(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.text();
}
