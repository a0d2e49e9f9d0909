import { describe, expect, it } from "vitest";
import { standsAlone, staticImports } from "./stands-alone.ts";

describe("staticImports", () => {
  it.each([
    ['import"./a.js";var b=1;', ["./a.js"]],
    ['import{t as e}from"./index-k8.js";var n', ["./index-k8.js"]],
    ["import a,{b}from\"./a.js\";import*as c from'./c.js';", ["./a.js", "./c.js"]],
    ['import {\n  a,\n} from "./a.js";\nexport * from "./b.js";', ["./a.js", "./b.js"]],
    ['var a=1;export{a as b}from"./a.js"', ["./a.js"]],
    ['const a=()=>import("./late.js");var u=import.meta.url;', []],
    ["throw Error(\"must import 'a' from 'b'\");export{a}", []],
  ])("are told by %s", (text, specifiers) => {
    expect(staticImports(text)).toEqual(specifiers);
  });
});

describe("standsAlone", () => {
  const files: Record<string, string> = {
    "https://a.b/page/alone.js": 'const h=()=>import("./late.js");export{h}',
    "https://a.b/page/esbuild.js": 'import"./chunk-1.js";export{h}',
    "https://a.b/page/chunk-1.js": "var a=Object.defineProperty;export{a}",
    "https://a.b/page/vite.js": 'import{t}from"./index.js";export{h}',
    "https://a.b/page/index.js": `${"run();".repeat(1000)}export{t}`,
    "https://a.b/page/small.js": 'import{t}from"./main.js";export{h}',
    "https://a.b/page/main.js": 'import{v}from"./vendor.js";run();export{t}',
    "https://a.b/page/bare.js": 'import * as h5wasm from "h5wasm";',
    "https://a.b/page/gone.js": 'import "./nowhere.js";',
  };
  const load = async (url: string): Promise<string> => {
    if (!(url in files)) throw new Error("404");
    return files[url]!;
  };

  it.each([
    ["alone", true],
    ["esbuild", true],
    ["vite", false],
    ["small", false],
    ["bare", false],
    ["gone", false],
    ["missing", false],
  ])("judges %s", async (name, answer) => {
    expect(await standsAlone(`https://a.b/page/${name}.js`, load)).toBe(answer);
  });
});
